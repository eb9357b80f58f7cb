# shellcheck shell=bash
# What the gateway's resident memory grows by for one more connection that does nothing, plain and TLS, and for one more
# session with a POST that waits. Sourced by scripts/bench.
#
# Each kind has a gateway of its own, which holds some thousand already: what it took for its first ones (code, pools,
# buffers) is not what one more costs, and freed memory must not hide it. Each connection has had an answer before.

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of "$1")/status"; }

fresh_gateway() { # deadlines that no connection here comes to
  local port
  end gateway-1
  port=$(free_port)
  start_role gateway-1 gateway "$port" CARILLON_GATEWAY_LIMITS_IDLE=1h CARILLON_GATEWAY_DRAIN=0s \
    CARILLON_GATEWAY_LIMITS_DIRECTIVE_DEADLINE=25s CARILLON_GATEWAY_LIMITS_ANSWER_DEADLINE=29s \
    CARILLON_OPERATIONS_STOP_DEADLINE=60s
  await gateway-1 "http://127.0.0.1:$port/readyz"
  gateway_metrics=http://127.0.0.1:$port/metrics
}

one_more() { # BEFORE AFTER COUNT: KiB
  note "resident $1 KiB, then $2 KiB with $3 more" >&2
  ratio $(($2 - $1)) "$3" 2
}

hold() { # NAME COUNT ADDRESS [--tls]: until it is ended
  local name=$1 count=$2
  rm -f "$logs/$name.log"
  launch "$name" "$binaries/carillon-bench" hold --count "$count" --to "${@:3}"
  until grep -qs "^open $count" "$logs/$name.log"; do
    alive "$name" || die "the connections could not be opened: $(tail -n 1 "$logs/$name.log")"
    sleep 0.2
  done
}

idle_kib() { # ADDRESS [--tls]
  local before after
  fresh_gateway
  hold hold-1 2000 "$@"
  before=$(resident gateway-1)
  hold hold-2 "$more" "$@"
  after=$(resident gateway-1)
  end hold-1 hold-2
  one_more "$before" "$after" "$more"
}

waiting() { # NAME FIRST COUNT: so many sessions, whose empty POSTs wait for a worker that stands still
  local accepted wanted
  accepted=$(informs)
  wanted=$((accepted + $3))
  launch "$1" "$binaries/carillon-cpe" load --url "$cwmp_url" --cpes "$3" --first "$2" --once --connections "$3" \
    --rate 1000 --event '1 BOOT' --basic "${proof[@]}" --quiet
  for _ in $(seq 100); do
    [ "$(informs)" -lt "$wanted" ] || break
    sleep 0.2
  done
  [ "$(informs)" -ge "$wanted" ] || die "only $(informs) of $wanted Informs were taken"
  sleep 1
}
informs() { curl -fs --max-time 5 "$gateway_metrics" | awk '/^carillon_informs_accepted_total / { print $2 }'; }

session_kib() {
  local before after worker
  fresh_gateway
  load 600 --once >/dev/null
  fresh_gateway
  worker=$(pid_of worker-1)
  kill -STOP "$worker"
  waiting cpes-1 1 2000
  before=$(resident gateway-1)
  waiting cpes-2 2001 "$more"
  after=$(resident gateway-1)
  [ "$(find "/proc/$(pid_of gateway-1)/fd" -type l | wc -l)" -ge $((2000 + more)) ] || die "sessions have ended early"
  kill -CONT "$worker"
  end cpes-1 cpes-2
  one_more "$before" "$after" "$more"
}

memory_on() { # LOG: the memory is the gateway's, so one log tells
  local tls_port more=10000
  devices=$((2000 + more))
  note "memory: of a gateway that holds 2,000 connections, with $more more of them"
  begin_cluster "$1"
  "$root/scripts/benches/certificate" "$state"
  tls_port=$(free_port)
  sed -i "s|^      connection_identity: direct|&\n    - address: 127.0.0.1\n      port: $tls_port\n\
      certificate_file: $state/certificate.pem\n      key_file: $state/key.pem|" "$state/carillon.yaml"
  figure memory.idle_connection_kib "$(idle_kib "127.0.0.1:$cwmp_port")" KiB
  figure memory.idle_tls_connection_kib "$(idle_kib "127.0.0.1:$tls_port" --tls)" KiB
  figure memory.open_session_kib "$(session_kib)" KiB
  stop_session
}

bench_memory() {
  local logs_wanted=postgresql
  "$root/scripts/install" test
  build carillon-bench
  on_each_log memory_on
}
