#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml mounts, in deploy/secrets, where they are missing. An existing one is kept:
# the cluster secret cannot be made again, and with it go the devices' stored credentials.
set -euo pipefail
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/secrets
umask 077
mkdir -p "$folder"
for name in cluster.secret database.password bootstrap.password api.token; do
  [ -s "$folder/$name" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/$name"
done
echo "the secrets are in $folder"
[ "$(id -u)" = 1000 ] || echo "not user 1000: export CARILLON_UID=$(id -u) CARILLON_GID=$(id -g) for docker-compose"
