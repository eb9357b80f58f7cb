# shellcheck shell=bash
# The same sessions with few and with a million devices in the database. Sourced by scripts/bench.

scale_with() { # COUNT: sets `scale_rate`
  local lines="" _ summary
  devices=$1
  begin_cluster postgresql
  # Each device registers by an Inform of its own, and comes a second time so that its next one may be trivial.
  summary=$(load 7200 --sessions "$devices")
  [ "$1" -lt 100000 ] || figure scale.registered_per_s "$(field "$summary" sessions_per_s)" 1/s
  load 7200 --sessions "$devices" >/dev/null
  for _ in $(seq "${rounds:-3}"); do lines+=$(measure)$'\n'; done
  scale_rate=$(column "$lines" 1)
  figure "scale.$1.sessions_per_s" "$scale_rate" 1/s
  figure "scale.$1.app_cpu_us" "$(both "$lines")" us
  figure "scale.$1.postgres_cpu_us" "$(column "$lines" 6)" us
  figure "scale.$1.p99_ms" "$(column "$lines" 3)" ms
}

sizes() { # what a device takes, and what cleaning up after all that costs
  local table bytes began all=0
  for table in device device_contact twin_block credential; do
    bytes=$(sql "SELECT pg_total_relation_size('$table')")
    all=$((all + bytes))
    figure "scale.$table.bytes_a_device" "$(ratio "$bytes" "$devices" 0)" B
  done
  figure scale.bytes_a_device "$(ratio $all "$devices" 0)" B
  for table in device_contact twin_block device; do
    began=$(date +%s%N)
    sql "VACUUM (ANALYZE) $table"
    figure "scale.$table.vacuum_s" "$(ratio $((($(date +%s%N) - began) / 1000000)) 1000 1)" s
    figure "scale.$table.after_vacuum_mib" "$(ratio "$(sql "SELECT pg_total_relation_size('$table')")" 1048576 0)" MiB
  done
}

bench_scale() {
  local few scale_rate
  build carillon carillon-cpe
  make_secrets
  trap stop_session EXIT
  trap 'exit 130' INT TERM
  note "scale: 1,000 devices, then $scale_devices, which all register by their own Informs"
  scale_with 1000
  few=$scale_rate
  stop_session
  scale_with "$scale_devices"
  figure scale.throughput_ratio "$(ratio "$scale_rate" "$few" 3)" x
  sizes
  stop_session
  trap - EXIT INT TERM
}
