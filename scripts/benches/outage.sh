# shellcheck shell=bash
# PostgreSQL or the log away for some minutes under load: what was acknowledged must be there afterwards, and what has
# piled up must be done within twice the outage. Sourced by scripts/bench.

# Records of cwmp.messages that are not folded yet, by the API's word; fails where it has none.
behind() {
  curl -fsS --max-time 20 -H "Authorization: Bearer $(cat "$state/api.token")" \
    "http://127.0.0.1:$api_port/api/v1/log" | grep -o '"behind":[0-9]*' |
    awk -F : '{ sum += $2 } END { if (NR == 0) exit 1; print sum }'
}

away() { # WHAT SECONDS
  note "$1 is killed for $2 s"
  "$root/scripts/$1" kill --dir "$state/${1/postgresql/pg}" >/dev/null
  sleep "$2"
  "$root/scripts/$1" start --dir "$state/${1/postgresql/pg}" >/dev/null
}

outage_of() { # WHAT LOG
  local prefix=outage.$2.$1 length=$((${minutes:-10} * 60)) before after began port
  devices=1 # which has a credential of its own, and is none of the fleet
  begin_cluster "$2"
  port=$(free_port)
  start_role northbound northbound "$port"
  await northbound "http://127.0.0.1:$port/readyz"
  rm -f "$state/history"
  launch cpes "$binaries/carillon-cpe" run --url "$cwmp_url" --cpes 2000 --first 2 --interval 10 --rate 200 \
    --retry-ms 1000 --boot-ms 500 --bootstrap "$state/bootstrap" --history "$state/history" --quiet --json
  # Registered, with credentials of their own that the gateway knows.
  sleep 60
  before=$(awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of gateway-1)/status")
  away "$1" "$length"
  began=$SECONDS
  after=$(awk '/^VmHWM/ { print $2 }' "/proc/$(pid_of gateway-1)/status")
  # Less than a second of the fleet's 200 sessions.
  until [ "$(behind 2>/dev/null || echo 999999)" -lt 400 ]; do
    [ $((SECONDS - began)) -lt $((length * 2)) ] || die "not drained after twice the outage"
    sleep 1
  done
  figure "$prefix.drained_s" $((SECONDS - began)) s
  figure "$prefix.gateway_peak_ratio" "$(ratio "$after" "$before")" x
  sleep 20
  end cpes
  note "$(tail -n 1 "$logs/cpes.log")"
  local quiet=$((SECONDS + 60))
  until [ "$(behind)" = 0 ]; do
    [ $SECONDS -lt $quiet ] || die "records of an idle fleet are not folded"
    sleep 1
  done
  # 0: no difference, 3: some; anything else is no verdict.
  "$binaries/carillon-cpe" verify --history "$state/history" --api "http://127.0.0.1:$api_port" \
    --token-file "$state/api.token" --json >"$state/verify.json" || [ $? = 3 ] || die "the history cannot be verified"
  figure "$prefix.informs" "$(grep -c '"what":"inform"' "$state/history")" "acknowledged Informs"
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
