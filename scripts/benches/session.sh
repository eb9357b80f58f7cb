# shellcheck shell=bash
# Sessions of every kind on one gateway, one worker and one scheduler. Sourced by scripts/bench.

# How many devices each round of new ones and of RPCs takes, each once, so that their sessions are all alike.
batch() { echo $((${seconds:-20} * 750)); }

session_round() { # appends a line of `measure` to each of $lines; $next is the first device that was never seen
  local first=$next size
  size=$(batch)
  next=$((next + 2 * size))
  lines[trivial]+=$(measure)$'\n'
  lines[mixed]+=$(measure --changed 0.2)$'\n'
  lines[c1000]+=$(at_once=1000 measure)$'\n'
  # In the first turn of all devices the policy is made good, where it never was; in the second one they are folded
  # whole, for the RPC has cleared their digests. From then on there is nothing to do.
  enable_policy true
  turns 2
  lines[policy]+=$(measure)$'\n'
  lines[policy_mixed]+=$(measure --changed 0.2)$'\n'
  enable_policy false
  turns 1
  know_devices "$first" "$size"
  lines[new]+=$(length=600 devices=$size measure --once --first "$first" --event '0 BOOTSTRAP' --event '1 BOOT')$'\n'
  # These have only the shared credential, and are given one of their own in the same session.
  lines[bootstrapped]+=$(
    proof=(--bootstrap "$state/bootstrap.credential")
    length=600 devices=$size measure --once --first $((first + size)) --event '0 BOOTSTRAP' --event '1 BOOT'
  )$'\n'
  queue_rpcs "$first" $((first + size - 1)) bench
  lines[rpc]+=$(length=600 devices=$size measure --once --first "$first")$'\n'
  rpcs=$((rpcs + size))
}

# How many RPCs that were queued for the rounds of `rpc` have not been done in their session.
missed_rpcs() {
  sleep 2
  sql "SELECT $rpcs - count(*) FROM task_history WHERE method = 'SetParameterValues' AND origin = 1 AND state = 10"
}

turns() { # N: so many sessions of each device, and a moment for what they leave to the relay
  local n
  for n in $(seq "$1"); do load 600 --once >/dev/null; done
  sleep 2
}

# A policy of five parameters, as the API puts it. What it asks for is what the simulated CPEs have from the beginning:
# it is sent once, and then there is nothing to do.
put_policy() {
  sql "INSERT INTO policy (name, version, enabled, document, changed_at, changed_by) VALUES ('five', 1, false, '
name: five
ensure:
  \${device.root}.ManagementServer.PeriodicInformEnable: true
  \${device.root}.ManagementServer.PeriodicInformInterval: 300
  \${device.root}.ManagementServer.DefaultActiveNotificationThrottle: 0
  \${device.root}.ManagementServer.CWMPRetryMinimumWaitInterval: 5
  \${device.root}.Time.NTPServer1: pool.ntp.org
', now(), 'bench')"
}
enable_policy() { # true or false; the epoch tells the workers
  sql "UPDATE policy SET enabled = $1; UPDATE cluster_state SET policy_epoch = policy_epoch + 1"
}

session_on() { # LOG
  local prefix=session.$1 next=5001 rpcs=0
  local -A lines=()
  devices=5000
  note "session.$1: $devices known devices, 25 parameters an Inform, Basic at once, $at_once sessions at once;"
  note "a gateway, a worker, a scheduler, each a process; medians of ${rounds:-3} rounds of ${seconds:-20} s"
  begin_cluster "$1"
  (umask 077 && echo "bootstrap:$(cat "$state/bootstrap.password")" >"$state/bootstrap.credential")
  put_policy
  # The first Inform of each device registers it; then two full turns, so that caches and pages are warm.
  load 600 --once >/dev/null
  load 10 >/dev/null
  for _ in $(seq "${rounds:-3}"); do session_round; done
  figure "$prefix.sessions_per_s" "$(column "${lines[trivial]}" 1)" 1/s
  figure "$prefix.p50_ms" "$(column "${lines[trivial]}" 2)" ms
  figure "$prefix.p99_ms" "$(column "${lines[trivial]}" 3)" ms
  figure "$prefix.gateway_cpu_us" "$(column "${lines[trivial]}" 4)" us
  figure "$prefix.worker_cpu_us" "$(column "${lines[trivial]}" 5)" us
  figure "$prefix.app_cpu_us" "$(both "${lines[trivial]}")" us
  figure "$prefix.mixed_app_cpu_us" "$(both "${lines[mixed]}")" us
  figure "$prefix.policy_app_cpu_us" "$(both "${lines[policy]}")" us
  figure "$prefix.policy_ratio" "$(ratio "$(both "${lines[policy]}")" "$(both "${lines[trivial]}")" 3)" x
  figure "$prefix.policy_mixed_app_cpu_us" "$(both "${lines[policy_mixed]}")" us
  figure "$prefix.rpc_app_cpu_us" "$(both "${lines[rpc]}")" us
  figure "$prefix.rpc_postgres_cpu_us" "$(column "${lines[rpc]}" 6)" us
  figure "$prefix.rpc_sessions_per_s" "$(column "${lines[rpc]}" 1)" 1/s
  figure "$prefix.rpc_missed" "$(missed_rpcs)" RPCs
  figure "$prefix.new_devices_per_s" "$(column "${lines[new]}" 1)" 1/s
  figure "$prefix.new_app_cpu_us" "$(both "${lines[new]}")" us
  figure "$prefix.new_postgres_cpu_us" "$(column "${lines[new]}" 6)" us
  figure "$prefix.bootstrapped_devices_per_s" "$(column "${lines[bootstrapped]}" 1)" 1/s
  figure "$prefix.c1000_sessions_per_s" "$(column "${lines[c1000]}" 1)" 1/s
  figure "$prefix.c1000_p99_ms" "$(column "${lines[c1000]}" 3)" ms
  figure "$prefix.c1000_refused" "$(grep . <<<"${lines[c1000]}" | awk '{ n += $9 } END { print n }')" sessions
  figure "$prefix.postgres_cpu_us" "$(column "${lines[trivial]}" 6)" us
  figure "$prefix.broker_cpu_us" "$(column "${lines[trivial]}" 7)" us
  figure "$prefix.scheduler_cpu_us" "$(column "${lines[trivial]}" 8)" us
  stop_session
}

bench_session() { on_each_log session_on; }
