# shellcheck shell=bash
# An RPC step: from the last byte of a CPE's POST through gateway, log, worker, PostgreSQL and log back to the first
# byte of the answer, at half of what the same work reaches when it is driven as fast as it goes. Sourced by
# scripts/bench.

latency_on() { # LOG
  local prefix=latency.$1 summary full rate steps50="" steps99="" responses50="" responses99="" round
  devices=$((${seconds:-20} * 750))
  note "latency.$1: one SetParameterValues a session; $devices devices, each once; an open loop at half of the closed"
  note "loop's rate; medians of ${rounds:-3} rounds"
  begin_cluster "$1"
  load 600 --once >/dev/null
  queue_rpcs 1 "$devices" full
  summary=$(load 600 --once)
  full=$(field "$summary" sessions_per_s)
  rate=$(ratio "$full" 2 0)
  for round in $(seq "${rounds:-3}"); do
    queue_rpcs 1 "$devices" "turn-$round"
    summary=$(load 600 --once --rate "$rate")
    [ "$(field "$summary" failed)" = 0 ] || note "$(field "$summary" failed) sessions failed: $summary"
    [ "$(field "$summary" steps)" -ge "$devices" ] || die "RPCs are missing: $summary"
    responses50+=$(field "$summary" response_p50_ms)$'\n' responses99+=$(field "$summary" response_p99_ms)$'\n'
    steps50+=$(field "$summary" step_p50_ms)$'\n' steps99+=$(field "$summary" step_p99_ms)$'\n'
  done
  figure "$prefix.full_sessions_per_s" "$full" 1/s
  figure "$prefix.rate" "$rate" 1/s
  figure "$prefix.p50_ms" "$(grep . <<<"$steps50" | median)" ms
  figure "$prefix.p99_ms" "$(grep . <<<"$steps99" | median)" ms
  figure "$prefix.response_p50_ms" "$(grep . <<<"$responses50" | median)" ms
  figure "$prefix.response_p99_ms" "$(grep . <<<"$responses99" | median)" ms
  stop_session
}

bench_latency() { on_each_log latency_on; }
