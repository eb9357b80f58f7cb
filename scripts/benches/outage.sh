# shellcheck shell=bash
# PostgreSQL or the log away for some minutes under load: what was acknowledged must be there afterwards, and what has
# piled up must be done within twice the outage. Sourced by scripts/bench.

# Records of cwmp.messages that are not folded yet.
behind() {
  local part next end all=0
  if [ "$log_kind" = postgresql ]; then
    sql "SELECT coalesce(sum(h.next - c.next_offset), 0) FROM log_claim c
           JOIN log_head h ON h.topic = 1 AND h.part = c.part WHERE c.log LIKE 'messages/%'"
    return
  fi
  while read -r part next; do
    end=$(curl -fs --max-time 20 -H "Authorization: Bearer $(cat "$state/api.token")" \
      "http://127.0.0.1:$api_port/api/v1/log/messages?part=$part&last=1&limit=1" | grep -o '"end":[0-9]*')
    all=$((all + ${end#*:} - next))
  done < <(sql "SELECT part, next_offset FROM log_claim WHERE log LIKE 'messages/%' ORDER BY part")
  echo $all
}

away() { # WHAT SECONDS
  note "$1 is killed for $2 s"
  "$root/scripts/$1" kill --dir "$state/${1/postgresql/pg}" >/dev/null
  sleep "$2"
  "$root/scripts/$1" start --dir "$state/${1/postgresql/pg}" >/dev/null
}

outage_of() { # WHAT LOG
  local prefix=outage.$2.$1 length=$((${minutes:-10} * 60)) before after began port
  devices=1
  begin_cluster "$2"
  port=$(free_port)
  start_role northbound northbound "$port"
  await northbound "http://127.0.0.1:$port/readyz"
  rm -f "$state/history"
  launch cpes "$binaries/carillon-cpe" run --url "$cwmp_url" --cpes 2000 --interval 10 --rate 200 --retry-ms 1000 \
    --boot-ms 500 --bootstrap "$state/bootstrap" --history "$state/history" --quiet --json
  # Registered, with credentials of their own that the gateway knows.
  sleep 60
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of gateway-1)/status")
  away "$1" "$length"
  began=$SECONDS
  after=$(awk '/^VmHWM/ { print $2 }' "/proc/$(pid_of gateway-1)/status")
  # Less than a second of the fleet's 200 sessions.
  until [ "$(behind 2>/dev/null || echo 999999)" -lt 400 ]; do
    [ $((SECONDS - began)) -lt $((length * 4)) ] || die "not drained after $((SECONDS - began)) s"
    sleep 1
  done
  figure "$prefix.drained_s" $((SECONDS - began)) s
  figure "$prefix.gateway_peak_ratio" "$(ratio "$after" "$before")" x
  sleep 20
  end cpes
  note "$(tail -n 1 "$logs/cpes.log")"
  "$binaries/carillon-cpe" verify --history "$state/history" --api "http://127.0.0.1:$api_port" \
    --token-file "$state/api.token" --json >"$state/verify.json" || true
  figure "$prefix.differences" "$(grep -o '"kind"' "$state/verify.json" | wc -l)" differences
  stop_session
}

outage_on() { # LOG
  outage_of postgresql "$1"
  [ "$1" != kafka ] || outage_of kafka kafka
}

bench_outage() {
  (umask 077 && mkdir -p "$state" && make_secrets && printf 'bootstrap:%s' "$(cat "$state/bootstrap.password")" \
    >"$state/bootstrap")
  on_each_log outage_on
}
