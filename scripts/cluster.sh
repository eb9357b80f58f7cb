# shellcheck shell=bash
# Running Carillon on this machine, for scripts/quickstart and scripts/bench; sourced after common.sh, not run.
#
# The caller sets `state`, the folder of this cluster (configuration, secrets, process ids), and `logs`, the one of what
# its processes print.

binaries=$root/.build/release

build() { # PRODUCT...: optimised builds, with the compiler's own progress
  local product
  cd "$root"
  for product in "$@"; do
    say "building $product (release; some minutes the first time)"
    swift build -c release --product "$product" >&2 8>&- || die "the build of $product failed"
  done
  binaries=$(swift build -c release --show-bin-path)
}

# Secrets are made once and live until the folder goes.
make_secrets() {
  local name
  mkdir -p "$state/pids" "$logs" "$state/files"
  (
    umask 077
    for name in cluster.secret bootstrap.password api.token; do
      [ -s "$state/$name" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$state/$name"
    done
  )
}

# Writes state/carillon.yaml from the variables that it names; `database` is a libpq string with its password.
configure() {
  (umask 077 && sed 's/.*password=\([^ ]*\).*/\1/' <<<"$database" >"$state/database.password")
  cat >"$state/carillon.yaml" <<YAML
# Written by $program; deploy/carillon.yaml explains every key.
cluster:
  secret_file: $state/cluster.secret
database:
  url: $(sed 's/ *password=[^ ]*//' <<<"$database")
  password_file: $state/database.password
log:
  kind: $log_kind
  topics:
    messages: {partitions: 4}
    directives: {partitions: 2}
    dead_letters: {partitions: 1}
    events: {partitions: 1}
  kafka:
    brokers: [$brokers]
    replication_factor: 1
    min_insync_replicas: 1
    allow_few_replicas: true        # one broker, on one machine's disk
gateway:
  listeners:
    - address: 127.0.0.1
      port: $cwmp_port
      connection_identity: direct
  authentication:
    allow_basic_without_tls: true   # on loopback only
    bootstrap:
      username: bootstrap
      password_file: $state/bootstrap.password
  files:
    directory: $state/files
    public_url: ${cwmp_url%/}/files
scheduler:
  connection_request_networks: [127.0.0.0/8]
northbound:
  address: 127.0.0.1
  port: $api_port
  token_file: $state/api.token
operations:
  address: 127.0.0.1
  port: $operations_port
YAML
}

carillon() { "$binaries/carillon" "$@" --config "$state/carillon.yaml"; }

pid_of() { cat "$state/pids/$1" 2>/dev/null || true; }
alive() { is_running "$(pid_of "$1")" "$(cat "$state/pids/$1.program" 2>/dev/null || echo '?')"; }

launch() { # NAME PROGRAM ARGUMENT...: in a session of its own, so that a Ctrl-C meant for us does not reach it
  local name=$1 runs=${runs:-$2}
  shift
  echo "$runs" >"$state/pids/$name.program"
  setsid nohup "$@" >>"$logs/$name.log" 2>&1 </dev/null 8>&- &
  echo $! >"$state/pids/$name"
  await_program $! "$runs"
}

start_role() { # NAME ROLE OPERATIONS-PORT [VARIABLE=VALUE...]
  # `env` becomes the program itself.
  local name=$1 role=$2 port=$3 runs="$binaries/carillon $2"
  shift 3
  launch "$name" env "CARILLON_OPERATIONS_PORT=$port" "$@" "$binaries/carillon" "$role" --config "$state/carillon.yaml"
}

await() { # NAME URL: until it answers 200
  for _ in $(seq 300); do
    alive "$1" || { tail -n 5 "$logs/$1.log" >&2 && die "$1 ended; the lines above end $logs/$1.log"; }
    curl -fs -o /dev/null --max-time 2 "$2" && return
    sleep 0.1
  done
  curl -s --max-time 2 "$2" >&2 || true
  die "$1 is not ready after 30 s: $2, log $logs/$1.log"
}

end() { # NAME...: SIGTERM to all, then waits for each; SIGKILL after 30 s
  local name
  for name in "$@"; do ! alive "$name" || kill "$(pid_of "$name")"; done
  for name in "$@"; do
    for _ in $(seq 300); do alive "$name" && sleep 0.1 || break; done
    ! alive "$name" || { say "$name does not end: killed" && kill -KILL "$(pid_of "$name")"; }
    rm -f "$state/pids/$name" "$state/pids/$name.program"
  done
}

names() { # the processes of the cluster
  local name
  for name in cpes haproxy gateway-1 gateway-2 all northbound scheduler worker-1 worker-2; do
    [ ! -f "$state/pids/$name" ] || echo "$name"
  done
}

end_all() { # first what takes work, then what does it
  end cpes
  end haproxy all northbound
  end gateway-1 gateway-2
  end scheduler worker-1 worker-2
}

sql() { # QUERY: on the cluster's database
  PGPASSWORD=$(cat "$state/database.password") psql -XAtq -F ' ' -c "$1" \
    "$(sed 's/ *password=[^ ]*//' <<<"$database") connect_timeout=5"
}

preferred_port() { # PORT: that one if it is free
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then free_port; else echo "$1"; fi
}
