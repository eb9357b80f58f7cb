# shellcheck shell=bash
# The same sessions with few and with a million devices in the database; what a device takes there, and what cleaning up
# costs. Sourced by scripts/bench.

# Two devices, one of each model, register by themselves; the others' rows are theirs with another number, which SQL
# writes in the order of the ids, so that devices that inform one after another lie apart. Credentials are imported,
# for they are sealed. A digest is not made up: the first Inform of each is folded whole.
fill() { # COUNT
  devices=2 load 600 --sessions 6 >/dev/null
  devices=2 load 600 --sessions 6 >/dev/null
  know_devices 1 "$1"
  sql "
    CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\";
    CREATE UNLOGGED TABLE bench_device AS
      SELECT uuid_generate_v5('6f1c52a0-93d4-4b0e-9a57-0d1f8e2c61b3', '00D09E-Carillon-' || serial) AS id, serial,
             old.id AS old, old.serial_number AS old_serial
        FROM (SELECT lpad(n::text, 8, '0') AS serial, 2 - n % 2 AS like_number FROM generate_series(3, $1) n) AS new
        JOIN device old ON old.serial_number = lpad(like_number::text, 8, '0')
       ORDER BY 1;
    ANALYZE bench_device;
    INSERT INTO device
      SELECT b.id, '00D09E-Carillon-' || serial, manufacturer, oui, product_class, serial, root, software_version,
             hardware_version, provisioning_code, replace(connection_request_url, b.old_serial, serial), peer, tags,
             dialect, methods, created_at, seen_at
        FROM bench_device b JOIN device d ON d.id = b.old ORDER BY b.id;
    INSERT INTO device_contact (device, last_inform, session, digest, events_hash, posted, policy_epoch, next_due,
                                event_seq, touched)
      SELECT b.id, last_inform, session, NULL, events_hash, posted, policy_epoch, next_due, event_seq, touched
        FROM bench_device b JOIN device_contact k ON k.device = b.old ORDER BY b.id;
    INSERT INTO twin_block (device, path, data)
      SELECT b.id, path, decode(replace(encode(data, 'hex'), encode(b.old_serial::bytea, 'hex'),
                                        encode(serial::bytea, 'hex')), 'hex')
        FROM bench_device b JOIN twin_block t ON t.device = b.old ORDER BY b.id, path;
    DROP TABLE bench_device" >/dev/null
  [ "$(sql 'SELECT count(*) FROM device')" = "$1" ] || die "the database was not filled"
  sql "VACUUM (ANALYZE)"
  # What filling has left to be written is not the sessions' work.
  sql "CHECKPOINT"
}

fresh_gateway_of_scale() { # whose cache of credentials is empty, as for devices that come once an hour
  local port
  end gateway-1
  port=$(free_port)
  start_role gateway-1 gateway "$port" CARILLON_GATEWAY_DRAIN=0s
  await gateway-1 "http://127.0.0.1:$port/readyz"
}

scale_with() { # COUNT: sets `scale_rate` and, with many, `same_rate`
  # A server of such a database has more memory than one for tests: what is asked for often must fit.
  local lines="" began=$SECONDS postgresql_settings="--set shared_buffers=2GB"
  devices=2
  begin_cluster postgresql
  fill "$1"
  note "scale.$1: the database was filled in $((SECONDS - began)) s"
  [ "$1" -lt 100000 ] || sizes "$1" fresh
  # A round takes so many devices that none comes twice in it, where there are enough. They come twice before: at first
  # they are given credentials for connection requests, after that they are folded whole; from then on all is trivial.
  devices=$((${seconds:-20} * 5000))
  devices=$((devices < $1 ? devices : $1))
  for _ in 1 2; do load 7200 --once >/dev/null; done
  for _ in $(seq "${rounds:-3}"); do
    fresh_gateway_of_scale
    lines+=$(measure)$'\n'
  done
  scale_rate=$(column "$lines" 1)
  figure "scale.$1.sessions_per_s" "$scale_rate" 1/s
  figure "scale.$1.app_cpu_us" "$(both "$lines")" us
  figure "scale.$1.postgres_cpu_us" "$(column "$lines" 6)" us
  figure "scale.$1.p99_ms" "$(column "$lines" 3)" ms
  [ "$1" != 1000 ] || return 0
  # A thousand of them again and again: what the size of the database alone makes of it.
  lines=""
  devices=1000
  load 5 >/dev/null
  for _ in $(seq "${rounds:-3}"); do lines+=$(measure)$'\n'; done
  same_rate=$(column "$lines" 1)
  figure "scale.$1.same_devices_per_s" "$same_rate" 1/s
  figure "scale.$1.same_devices_app_cpu_us" "$(both "$lines")" us
  figure "scale.$1.same_devices_postgres_cpu_us" "$(column "$lines" 6)" us
}

table_bytes() { sql "SELECT pg_total_relation_size('$1')"; }

sizes() { # COUNT fresh|used: bytes of a device
  local table bytes all=0
  for table in device device_contact twin_block credential; do
    bytes=$(table_bytes "$table")
    all=$((all + bytes))
    figure "scale.$table.$2_bytes_a_device" "$(ratio "$bytes" "$1" 0)" B
  done
  figure "scale.$2_bytes_a_device" "$(ratio $all "$1" 0)" B
}

vacuum() { # what the rounds have left behind, and what it takes to have it cleaned up
  local table began
  for table in device device_contact twin_block credential; do
    figure "scale.$table.dead_rows" "$(sql "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = '$table'")" rows
    began=$(date +%s%N)
    sql "VACUUM (ANALYZE) $table"
    figure "scale.$table.vacuum_s" "$(ratio $((($(date +%s%N) - began) / 1000000)) 1000 1)" s
    figure "scale.$table.after_vacuum_mib" "$(ratio "$(table_bytes "$table")" 1048576 0)" MiB
  done
}

bench_scale() {
  local few many scale_rate same_rate=""
  "$root/scripts/install" test
  build carillon carillon-cpe
  make_secrets
  trap stop_session EXIT
  trap 'exit 130' INT TERM
  # The thousand before and after, for the machine's pace drifts within minutes.
  note "scale: 1,000 devices, each again and again; $scale_devices, none twice in a round; the 1,000 once more"
  scale_with 1000
  few=$scale_rate
  stop_session
  scale_with "$scale_devices"
  many=$scale_rate
  sizes "$scale_devices" used
  vacuum
  stop_session
  scale_with 1000
  few=$(printf '%s\n' "$few" "$scale_rate" | median)
  figure scale.throughput_ratio "$(ratio "$many" "$few" 3)" x
  figure scale.same_devices_ratio "$(ratio "$same_rate" "$few" 3)" x
  stop_session
  trap - EXIT INT TERM
}
