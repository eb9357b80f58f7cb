# shellcheck shell=bash
# What the gateway's resident memory grows by for a connection that does nothing, one with TLS, and a session that is
# open between two POSTs. Sourced by scripts/bench.

# What it grows by for each of so many: from before to when all are there.
grown() { # KIND COUNT PORT
  local pid before after line
  pid=$(pid_of gateway-1)
  # Pools and buffers of the first ones are not what one more costs.
  hold "$1" 2000 "$3" 0
  end_hold
  sleep 2
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
  hold "$1" "$2" "$3" 10000
  after=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
  end_hold
  ratio $((after - before)) "$2" 2
}

hold() { # KIND COUNT PORT FIRST: holds them open until end_hold
  local line
  coproc HOLD { exec python3 "$root/scripts/benches/hold.py" "$@"; }
  read -r -t 600 line <&"${HOLD[0]}" || die "the $1 connections could not be opened"
  [ "$line" = "$2" ] || die "$line instead of $2 $1 connections"
}
end_hold() {
  local pid=$HOLD_PID
  eval "exec ${HOLD[1]}>&-"
  wait "$pid" || true
}

memory_on() { # LOG: the memory is the gateway's, so one log tells
  local tls_port count=10000
  devices=20000
  note "memory: $count connections, $((count / 2)) with TLS; resident memory of the gateway before and with them"
  begin_cluster "$1"
  "$root/scripts/benches/certificate" "$state"
  end gateway-1
  tls_port=$(free_port)
  sed -i "s|^      connection_identity: direct|&\n    - address: 127.0.0.1\n      port: $tls_port\n\
      certificate_file: $state/certificate.pem\n      key_file: $state/key.pem|" "$state/carillon.yaml"
  local port
  port=$(free_port)
  start_role gateway-1 gateway "$port"
  await gateway-1 "http://127.0.0.1:$port/readyz"
  figure memory.idle_connection_kib "$(grown plain $count "$cwmp_port")" KiB
  figure memory.idle_tls_connection_kib "$(grown tls $((count / 2)) "$tls_port")" KiB
  figure memory.open_session_kib "$(grown session $((count / 2)) "$cwmp_port")" KiB
  stop_session
}

bench_memory() {
  local logs_wanted=postgresql
  on_each_log memory_on
}
