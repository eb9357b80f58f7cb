# shellcheck shell=bash
# Ten times the sessions that the cluster can serve, for two minutes, of CPEs that try again as TR-069 says, while
# devices that start for the first time and devices that an operator has woken come in between. The capacity is measured
# beside those too, for a new device is worth many routine sessions, and by the same count: the Informs that the gateway
# accepts. What the cluster can do is bounded by holding PostgreSQL to a part of a core, for the load generator has to
# fit beside it; gateways, which do the refusing, are not held. Sourced by scripts/bench.

quota=/sys/fs/cgroup/cpu/carillon-bench

hold_database() {
  mkdir -p "$quota" 2>/dev/null && [ -w "$quota/cpu.cfs_quota_us" ] ||
    die "overload needs root and a control group for CPU (v1: $quota)"
  echo 25000 >"$quota/cpu.cfs_period_us"
  echo 1000 >"$quota/cpu.cfs_quota_us"
  local pid postmaster
  postmaster=$(head -n 1 "$state/pg/data/postmaster.pid")
  for pid in "$postmaster" $(ps -o pid= --ppid "$postmaster"); do echo "$pid" >"$quota/cgroup.procs" || true; done
}

# From the gateway's metrics: Informs accepted, and refused for whatever reason.
served_and_refused() {
  curl -fs --max-time 2 "$gateway_metrics" | awk '
    /^carillon_informs_accepted_total / { served = $2 }
    /^carillon_posts_refused_total[{ ]/ { refused += $2 }
    END { print served + 0, refused + 0 }'
}

watch_gateway() { # SECONDS FILE: a line a second: second, served, refused, resident MiB of the gateway
  local last now second
  last=$(served_and_refused)
  for second in $(seq "$1"); do
    sleep 1
    now=$(served_and_refused)
    [ "$now" != "0 0" ] || continue
    echo "$second $((${now% *} - ${last% *})) $((${now#* } - ${last#* }))" \
      "$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$(pid_of gateway-1)/status")"
    last=$now
  done >"$2"
}

# The plot of docs/benchmarks.md, from the lines of watch_gateway: offered, refused and served over time.
plot() { # CAPACITY OFFERED FILE
  awk -v capacity="$1" -v offered="$2" '
    function x(second) { return 60 + second / length_s * 700 }
    function y(rate) { return 300 - rate / top * 270 }
    # Means of five seconds: commits come in bursts.
    function line(values, colour, i, k, sum, points) {
      for (i = 3; i <= n - 2; i++) {
        sum = 0
        for (k = i - 2; k <= i + 2; k++) sum += values[k]
        points = points sprintf("%.1f,%.1f ", x(at[i]), y(sum / 5))
      }
      printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"%s\"/>\n", colour, points
    }
    function level(rate, colour, name) {
      printf "<line x1=\"60\" x2=\"760\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-dasharray=\"4 4\"/>\n",
        y(rate), y(rate), colour
      printf "<text x=\"764\" y=\"%.1f\" fill=\"%s\">%s %d</text>\n", y(rate) + 4, colour, name, rate
    }
    { n++; at[n] = $1; served[n] = $2; refused[n] = $3; if ($3 > top) top = $3; length_s = $1 }
    END {
      if (offered > top) top = offered
      top *= 1.05
      print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"880\" height=\"350\" font-family=\"sans-serif\"" \
        " font-size=\"12\"><rect width=\"880\" height=\"350\" fill=\"white\"/>"
      for (s = 0; s <= length_s; s += 20) printf "<text x=\"%.1f\" y=\"318\">%d s</text>\n", x(s) - 8, s
      print "<text x=\"10\" y=\"18\">sessions begun, POSTs refused, Informs accepted, each a second</text>"
      print "<line x1=\"60\" x2=\"760\" y1=\"300\" y2=\"300\" stroke=\"black\"/>"
      level(offered, "grey", "offered")
      level(capacity, "black", "capacity")
      line(refused, "crimson")
      line(served, "seagreen")
      print "<text x=\"60\" y=\"340\" fill=\"seagreen\">served</text>"
      print "<text x=\"120\" y=\"340\" fill=\"crimson\">refused with 503</text></svg>"
    }' "$3"
}

# What was served each second after the first ten.
served() { awk '$1 > 10 { sum += $2; n++ } END { printf "%.0f", sum / n }' "$1"; }

newcomers() { # FIRST COUNT: four a second, one after another
  launch newcomers "$binaries/carillon-cpe" run --url "$cwmp_url" --cpes "$2" --first "$1" --interval 3600 --rate 4 \
    --bootstrap "$state/bootstrap" --quiet --json
}

woken() { # SECONDS: known devices that come because they were asked to, two a second
  launch woken "$binaries/carillon-cpe" load --url "$cwmp_url" --cpes 200 --first $((overload_devices + 1)) \
    --basic "${proof[@]}" --parameters 25 --rate 2 --connections 200 --event '6 CONNECTION REQUEST' \
    --duration "$1" --retries --quiet --json
}

# A fleet that has all that it is given at first: SQL writes its rows; each comes once, so that its digest is right.
know_fleet() { # COUNT
  devices=2
  begin_cluster "$log_kind"
  fill "$1"
  sql "UPDATE credential SET request_username = username, request_secret = '\\x00'
        WHERE request_secret IS NULL" >/dev/null
  devices=$1
  at_once=512 load 7200 --once >/dev/null
  devices=$overload_devices
  sql "VACUUM (ANALYZE)" && sql "CHECKPOINT"
}

overload_on() { # LOG
  local capacity rate goodput length=${seconds:-120} watcher summary fleet before spent postgresql_settings
  log_kind=$1
  note "overload: PostgreSQL (and the embedded log with it) held to 4 % of a core; 10 x for $length s"
  # shellcheck disable=SC2034 # read by begin_cluster
  postgresql_settings="--set shared_buffers=2GB"
  know_fleet $((overload_devices + 200))
  hold_database
  load 10 >/dev/null
  # As many at once as the overload has: more share a commit.
  newcomers 3000001 200
  woken 42
  watch_gateway 40 "$state/capacity.txt" &
  watcher=$!
  summary=$(at_once=2000 load 42)
  wait "$watcher"
  figure overload.capacity_sessions_per_s "$(field "$summary" sessions_per_s)" 1/s
  end newcomers woken
  capacity=$(served "$state/capacity.txt")
  rate=$(ratio "$capacity" 0.1 0)
  figure overload.capacity_per_s "$capacity" 1/s
  figure overload.offered_per_s "$rate" 1/s
  newcomers 2000001 $((length * 4))
  woken "$length"
  before=$(cpu "$(pid_of gateway-1)")
  watch_gateway "$length" "$state/overload.txt" &
  watcher=$!
  # No connection limit: sessions come whether or not the ones before were served.
  summary=$(at_once=8000 load "$length" --rate "$rate" --timeout 30 --retries)
  wait "$watcher"
  spent=$(($(cpu "$(pid_of gateway-1)") - before))
  note "$summary"
  goodput=$(served "$state/overload.txt")
  figure overload.goodput_per_s "$goodput" 1/s
  figure overload.goodput_ratio "$(ratio "$goodput" "$capacity")" x
  figure overload.sessions_per_s "$(field "$summary" sessions_per_s)" 1/s
  figure overload.refused_per_s "$(awk '$1 > 10 { sum += $3; n++ } END { printf "%.0f", sum / n }' \
    "$state/overload.txt")" 1/s
  # All that the gateway spent, over Informs that were accepted and POSTs that were refused.
  figure overload.gateway_cpu_us "$(awk -v spent="$spent" '
    { n += $2 + $3 } END { printf "%.1f", spent / n }' "$state/overload.txt")" us
  figure overload.gateway_rss_growth "$(awk '
    $1 == 20 { first = $4 } { last = $4 } END { printf "%.2f", last / first }' "$state/overload.txt")" x
  end newcomers woken
  fleet=$(tail -n 1 "$logs/newcomers.log")
  figure overload.newcomers_served "$(field "$fleet" informs)" Informs
  note "newcomers: $fleet"
  fleet=$(tail -n 1 "$logs/woken.log")
  figure overload.woken_served "$(field "$fleet" completed)" sessions
  note "woken: $fleet"
  plot "$capacity" "$rate" "$state/overload.txt" >"$state/overload.svg"
  note "a line a second (second, served, refused, MiB): $state/overload.txt; plotted: $state/overload.svg"
  stop_session
  rmdir "$quota" 2>/dev/null || true
}

bench_overload() {
  local logs_wanted=postgresql
  (umask 077 && mkdir -p "$state" && make_secrets && printf 'bootstrap:%s' "$(cat "$state/bootstrap.password")" \
    >"$state/bootstrap")
  on_each_log overload_on
}
