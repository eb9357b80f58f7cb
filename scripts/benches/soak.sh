# shellcheck shell=bash
# A mixed fleet for a long while, with restarts of every role: what grows? Sourced by scripts/bench.
#
# At 70 % of what the mix reaches: trivial Informs and such with changed values at an open loop's rate, and 2,000 living
# CPEs (of which 5 % misbehave) that boot, set, download and restart as tasks tell them.

soak_roles="gateway-1 gateway-2 worker-1 worker-2 scheduler northbound"

soak_start() { # NAME
  local port name=$1
  port=$(free_port)
  if [ "$name" = gateway-2 ]; then
    sed "s/port: $cwmp_port$/port: $second_port/" "$state/carillon.yaml" >"$state/gateway-2.yaml"
    launch "$name" env "CARILLON_OPERATIONS_PORT=$port" "$binaries/carillon" gateway --config "$state/gateway-2.yaml"
    echo "$binaries/carillon gateway" >"$state/pids/$name.program"
  else
    start_role "$name" "${name%-*}" "$port"
  fi
  await "$name" "http://127.0.0.1:$port/readyz"
}

soak_restart() { # NAME: as a rolling update does it
  end "$1"
  soak_start "$1"
}

resident() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of "$1")/status"; }
descriptors() { ls "/proc/$(pid_of "$1")/fd" | wc -l; }

backlog() { # records that are not folded, and events that are not out
  sql "SELECT (SELECT coalesce(sum(h.next - c.next_offset), 0) FROM log_claim c
                JOIN log_head h ON h.topic = 1 AND h.part = c.part) + (SELECT count(*) FROM outbox)"
}

# Some work for the living CPEs: what comes of it is not measured here, only that it goes on.
soak_tasks() {
  sql "
    INSERT INTO task (id, device, method, arguments, state, once, origin, maximum_attempts, not_before, deadline,
                      created_at, changed_at)
    SELECT gen_random_uuid(), id, w.method, w.arguments::json, 1, w.method <> 'SetParameterValues', 1, 5, now(),
           now() + interval '5 minutes', now(), now()
      FROM (SELECT id, row_number() OVER () AS n FROM (
              SELECT id FROM device WHERE serial_number >= '03000001' ORDER BY random() LIMIT 10) d) d
      JOIN (VALUES (0, 'Reboot', '{}'),
                   (1, 'SetParameterValues', '{\"parameters\":[{\"name\":\"Device.DeviceInfo.ProvisioningCode\",
                        \"value\":\"soak\",\"type\":\"xsd:string\"}]}'),
                   (2, 'Download', '{\"file_type\":\"1 Firmware Upgrade Image\",\"url\":\"${cwmp_url}files/image\",
                        \"username\":\"\",\"password\":\"\",\"file_size\":0,\"target_file_name\":\"\",
                        \"delay_seconds\":0,\"software_version\":\"\"}')) AS w(k, method, arguments)
        ON w.k = d.n % 3" >/dev/null || true
}

soak_on() { # LOG
  local capacity rate name minute base=5 began last minutes=${minutes:-20}
  devices=20000
  begin_cluster "$1"
  head -c 200000 /dev/urandom >"$state/files/image"
  second_port=$(free_port)
  for name in gateway-2 worker-2 northbound; do soak_start "$name"; done
  load 600 --sessions "$devices" >/dev/null
  load 10 >/dev/null
  capacity=$(field "$(load 20 --changed 0.2)" sessions_per_s)
  rate=$(ratio "$capacity" 1.6667 0)
  [ "$minutes" -ge 8 ] || base=$(((minutes + 1) / 2))
  note "soak.$1: $minutes minutes; the mix reaches $capacity/s alone; $rate/s of it and 2,000 living CPEs (200/s)"
  launch cpes "$binaries/carillon-cpe" run --url "http://127.0.0.1:$second_port/" --cpes 2000 --first 3000001 \
    --interval 10 --rate 50 --retry-ms 1000 --boot-ms 500 --bootstrap "$state/bootstrap" --quiet --json \
    --misbehave drop=0.01 --misbehave stop=0.01 --misbehave restart=0.01 --misbehave repeat-empty=0.01 \
    --misbehave no-cookie=0.01
  load $((minutes * 60)) --rate "$rate" --changed 0.2 >"$state/soak.json" &
  local loader=$!
  began=$SECONDS
  : >"$state/soak.txt"
  for minute in $(seq "$minutes"); do
    while [ $((SECONDS - began)) -lt $((minute * 60)) ]; do
      soak_tasks
      sleep 1
    done
    for name in $soak_roles; do
      echo "$minute $name $(resident "$name") $(descriptors "$name")"
    done >>"$state/soak.txt"
    # Every role once before memory is compared; the second ones again and again.
    case $minute in
      1) soak_restart worker-1 && soak_restart worker-2 ;;
      2) soak_restart gateway-2 && soak_restart scheduler && soak_restart northbound ;;
      8 | 12 | 16) soak_restart gateway-2 && soak_restart worker-2 ;;
    esac
  done
  wait "$loader"
  note "$(cat "$state/soak.json")"
  end cpes
  note "living CPEs: $(tail -n 1 "$logs/cpes.log")"
  for _ in $(seq 60); do
    last=$(backlog)
    [ "$last" != 0 ] || break
    sleep 1
  done
  figure "soak.$1.backlog" "$last" records
  figure "soak.$1.sessions_per_s" "$(field "$(cat "$state/soak.json")" sessions_per_s)" 1/s
  figure "soak.$1.failed" "$(field "$(cat "$state/soak.json")" failed)" sessions
  for name in gateway-1 worker-1 scheduler northbound; do
    figure "soak.$1.$name.rss_ratio" "$(awk -v n="$name" -v b="$base" '
      $2 == n && $1 == b { first = $3 } $2 == n { last = $3 } END { printf "%.2f", last / first }' "$state/soak.txt")" x
    figure "soak.$1.$name.rss_mib" "$(awk -v n="$name" '$2 == n { last = $3 } END { printf "%.0f", last / 1024 }' \
      "$state/soak.txt")" MiB
    figure "soak.$1.$name.more_descriptors" "$(awk -v n="$name" -v b="$base" '
      $2 == n && $1 == b { first = $4 } $2 == n { last = $4 } END { print last - first }' "$state/soak.txt")" fds
  done
  stop_session
}

bench_soak() {
  (umask 077 && mkdir -p "$state" && make_secrets && printf 'bootstrap:%s' "$(cat "$state/bootstrap.password")" \
    >"$state/bootstrap")
  on_each_log soak_on
}
