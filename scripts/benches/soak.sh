# shellcheck shell=bash
# A mixed fleet for a long while, with restarts of every role: does anything grow, leak or stay undone? Sourced by
# scripts/bench.
#
# Two fleets of living CPEs, one at each gateway, together at 70 % of what the cluster reaches when it is driven: every
# device informs every 10 s, 20 % with a changed value, 1 % boot instead; 5 % misbehave. Through the API come RPCs for
# some of them every second. Memory is compared in processes that live on: after the restart of each role in the first
# minutes only gateway-2 and worker-2 are restarted again.

soak_interval=10

soak_start() { # NAME
  local name=$1 port
  port=$(free_port)
  case $name in
    gateway-2) start_role "$name" gateway "$port" "CARILLON_GATEWAY_LISTENERS_0_PORT=$second_port" ;;
    *) start_role "$name" "${name%-[0-9]}" "$port" ;;
  esac
  await "$name" "http://127.0.0.1:$port/readyz"
}

soak_restart() { # NAME TERM|KILL: as a rolling update does it, or as an accident
  note "$((SECONDS - began)) s: $1 is restarted by SIG$2"
  if [ "$2" = KILL ]; then { kill -KILL "$(pid_of "$1")" && wait "$(pid_of "$1")"; } 2>/dev/null || true; fi
  end "$1"
  soak_start "$1"
}

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of "$1")/status"; }
descriptors() { find "/proc/$(pid_of "$1")/fd" -type l | wc -l; }

living() { # NAME URL FIRST COUNT
  launch "$1" "$binaries/carillon-cpe" run --url "$2" --first "$3" --cpes "$4" --interval $soak_interval --rate 400 \
    --changed 0.2 --boots 0.01 --boot-ms 1000 --retry-ms 1000 --listen 0.0.0.0:0 --sources 1000 --quiet --json \
    --bootstrap "$state/bootstrap" --basic --misbehave drop=0.01 --misbehave stop=0.01 --misbehave restart=0.01 \
    --misbehave repeat-empty=0.01 --misbehave no-cookie=0.01
}

# RPCs for random devices that are known, through the API on one connection: settings, readings, boots, downloads.
soak_tasks() { # COUNT DEADLINE-SECONDS
  sql "SELECT id, trim(trailing '.' FROM root) FROM device TABLESAMPLE SYSTEM_ROWS($(($1 * 4)))
        WHERE serial_number >= '01000001' LIMIT $1" |
    awk -v api="http://127.0.0.1:$api_port/api/v1/devices/" -v token="$(cat "$state/api.token")" -v deadline="$2" \
      -v file="${cwmp_url}files/image" '
      function body(method, arguments) {
        return "{\"method\":\"" method "\",\"deadline_seconds\":" deadline ",\"arguments\":" arguments "}"
      }
      {
        task = body("SetParameterValues", "{\"parameters\":[{\"name\":\"" $2 ".ManagementServer.PeriodicInformTime\"," \
          "\"type\":\"xsd:dateTime\",\"value\":\"2026-01-01T00:00:00Z\"}]}")
        if (NR % 10 < 4) task = body("GetParameterValues", "{\"names\":[\"" $2 ".DeviceInfo.\"]}")
        if (NR % 10 == 4) task = body("Reboot", "{}")
        download = "{\"file_type\":\"3 Vendor Configuration File\",\"url\":\"" file "\"}"
        if (NR % 10 == 5) task = body("Download", download)
        gsub(/"/, "\\\"", task)
        if (NR > 1) print "next"
        print "url = \"" api $1 "/tasks\"\nheader = \"Authorization: Bearer " token "\""
        print "header = \"Content-Type: application/json\"\ndata = \"" task "\""
        print "silent\noutput = /dev/null\nwrite-out = \"%{http_code}\\n\"\nmax-time = 10"
      }' | curl -K - 2>/dev/null >>"$state/soak.tasks" || true
}

# Tasks that live though their device has been here since: those of CPEs that wait to try again are not our backlog.
undone_tasks() {
  sql "SELECT count(*) FROM task t JOIN device_contact k ON k.device = t.device
        WHERE k.last_inform > greatest(t.changed_at, t.not_before) + interval '30 s'"
}
# What is not done: records not folded, events not relayed, such tasks.
backlog() { echo "$(behind) $(sql 'SELECT count(*) FROM outbox') $(undone_tasks)"; }

sample() { # MARK: resident KiB and descriptors of each role's old process
  local name
  for name in gateway-1 worker-1 scheduler northbound; do
    echo "$1 $name $(resident "$name") $(descriptors "$name")"
  done >>"$state/soak.txt"
}
sampled() { awk -v m="$1" -v n="$2" -v f="$3" '$1 == m && $2 == n { print $f }' "$state/soak.txt"; } # MARK NAME FIELD

# When what happens, in seconds: "SECOND COMMAND ARGUMENT..." a line. Before a third of the time, at most minute five,
# every role but gateway-1 once (gateway-2 for the gateways); memory; then the second ones again and again.
soak_plan() { # TOTAL BASE
  local total=$1 base=$2
  cat <<PLAN
$((base * 30 / 100)) soak_restart worker-1 TERM
$((base * 40 / 100)) soak_restart worker-2 KILL
$((base * 50 / 100)) soak_restart gateway-2 TERM
$((base * 62 / 100)) soak_restart scheduler KILL
$((base * 74 / 100)) soak_restart northbound TERM
$base sample base
PLAN
  local part signal=KILL
  for part in 45 60 75; do
    echo "$((total * part / 100)) soak_restart gateway-2 $signal"
    if [ $signal = KILL ]; then signal=TERM; else signal=KILL; fi
    echo "$((total * part / 100 + 15)) soak_restart worker-2 $signal"
  done
  echo "$total sample end"
}

soak_on() { # LOG
  local prefix=soak.$1 capacity rate half total base tail summary records events tasks second began command left name
  total=$((${minutes:-20} * 60))
  base=$((total / 3 < 300 ? total / 3 : 300)) tail=$((total < 480 ? 45 : 120))
  devices=5000
  begin_cluster "$1"
  second_port=$(free_port)
  head -c 200000 /dev/urandom >"$state/files/image"
  : >"$state/soak.txt"
  : >"$state/soak.tasks"
  sql "CREATE EXTENSION IF NOT EXISTS tsm_system_rows" >/dev/null
  for name in gateway-2 worker-2 northbound; do soak_start "$name"; done
  load 600 --once >/dev/null
  load 10 --changed 0.2 >/dev/null
  capacity=$(field "$(load 20 --changed 0.2)" sessions_per_s)
  rate=$(awk -v c="$capacity" 'BEGIN { printf "%.0f", c * 0.7 }')
  half=$((rate * soak_interval / 2))
  note "soak.$1: ${minutes:-20} minutes; driven, the cluster reaches $capacity/s; two fleets of $half CPEs, $rate/s"
  soak_tasks 1 60
  sleep 5
  sample idle
  living cpes-1 "$cwmp_url" 1000001 "$half"
  living cpes-2 "http://127.0.0.1:$second_port/" 2000001 "$half"
  began=$SECONDS
  while read -r second command; do
    while left=$((second - (SECONDS - began))) && [ $left -gt 0 ]; do
      for name in cpes-1 cpes-2; do alive "$name" || die "a fleet has ended; see $logs/$name.log"; done
      if [ $((SECONDS - began)) -lt $((total - tail)) ]; then soak_tasks $((rate / 60 + 1)) $((tail - 15)); fi
      sleep 1
    done
    $command
  done < <(soak_plan $total $base)
  # CPEs whose sessions failed come again, after up to a minute; their tasks with them.
  for _ in $(seq 120); do
    [ "$(sql 'SELECT count(*) FROM task')" != 0 ] || break
    sleep 1
  done
  end cpes-1 cpes-2
  for _ in $(seq 60); do
    [ "$(backlog)" != "0 0 0" ] || break
    sleep 1
  done
  read -r records events tasks <<<"$(backlog)"
  figure "$prefix.backlog" $((records + events + tasks)) "records+events+tasks"
  figure "$prefix.tasks_of_absent_devices" "$(($(sql 'SELECT count(*) FROM task') - tasks))" tasks
  [ $((records + events + tasks)) = 0 ] || note "left: $records records, $events events, $tasks tasks"
  sql "SELECT 'left: ' || t.method || ' ' || t.state || ' of ' || d.serial_number || ', attempt ' || t.attempt
              || ', lost ' || t.lost || ', changed ' || t.changed_at || ', not before ' || t.not_before || ', deadline '
              || t.deadline || '; its CPE informed ' || k.last_inform || ', session ' || (s.device IS NOT NULL)
         FROM task t JOIN device d ON d.id = t.device JOIN device_contact k ON k.device = t.device
         LEFT JOIN session s ON s.device = t.device ORDER BY k.last_inform DESC LIMIT 10" |
    while read -r line; do note "$line"; done
  for name in cpes-1 cpes-2; do
    summary=$(tail -n 1 "$logs/$name.log")
    note "$name: $summary"
    figure "$prefix.$name.sessions_per_s" "$(field "$summary" sessions_per_s)" 1/s
  done
  note "answers of the API to tasks: $(sort "$state/soak.tasks" | uniq -c | tr -s ' \n' ' ')"
  note "tasks: $(sql "SELECT string_agg(method || ' ' || state || ': ' || n, ', ')
    FROM (SELECT method, state, count(*) AS n FROM task_history GROUP BY 1, 2 ORDER BY 1, 2) t")"
  # Descriptors are those of CPEs too, so they are compared without any: before the fleets came and after they left.
  # A connection or two to PostgreSQL are opened when they are needed first.
  for name in gateway-1 worker-1 scheduler northbound; do
    figure "$prefix.$name.rss_base_mib" "$(ratio "$(sampled base "$name" 3)" 1024 1)" MiB
    figure "$prefix.$name.rss_end_mib" "$(ratio "$(sampled end "$name" 3)" 1024 1)" MiB
    figure "$prefix.$name.rss_ratio" "$(ratio "$(sampled end "$name" 3)" "$(sampled base "$name" 3)" 3)" x
    figure "$prefix.$name.more_descriptors" $(($(descriptors "$name") - $(sampled idle "$name" 4))) fds
  done
  stop_session
}

bench_soak() {
  local logs_wanted=${only_log:-postgresql}
  make_secrets
  (umask 077 && printf 'bootstrap:%s' "$(cat "$state/bootstrap.password")" >"$state/bootstrap")
  on_each_log soak_on
}
