# shellcheck shell=bash
# What the scripts share; sourced, not run. The repository's root, from whatever folder they are called:
# shellcheck disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=$(basename "$0")

say() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root, and there is no sudo: run as root: $*"
  fi
}

# A loopback port that nobody listens on, below the ephemeral ones, for a service about to start.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
  done
  die "no free port found"
}

# Whether process $1 is alive and its command line holds $2: neither a zombie nor another process with a reused id.
is_running() {
  [ -n "$1" ] && grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status" &&
    tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$2"
}

# Returns once the process $1, just started, runs the program whose command line holds $2, or has ended: until then it
# is a copy of this shell, and a glance at it would take it for ended.
await_program() {
  local _
  for _ in $(seq 100); do
    ! is_running "$1" "$2" && kill -0 "$1" 2>/dev/null || return 0
    sleep 0.05
  done
}
