#!/usr/bin/env bash
# Creates the stack's passwords, its API key and the stand-in's settings in deploy/.run, if they do not exist. They are random
# and valid on this machine only.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
run=.run
mkdir -p "$run"
# Written on every run, because the port may have changed. Readable by everyone, because Prometheus runs as another user in its
# container.
sed "s/8901/${PORT_INSTRUMENT_REGISTRY:-8901}/" prometheus/prometheus.yml >"$run/prometheus.yml"
chmod 755 "$run" && chmod 644 "$run/prometheus.yml"
[ ! -s "$run/settings.json" ] || exit 0
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(random) registry=$(random) key=$(random)
cat >"$run/env" <<ENV
POSTGRES_PASSWORD=$postgres
REGISTRY_DB_PASSWORD=$registry
INTERNAL_API_KEY=$key
ENV
cat >"$run/settings.json" <<JSON
{
  "DATABASE_URL": "postgres://registry:$registry@postgres:5432/registry",
  "REDIS_URL": "redis://redis:6379",
  "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT": 5,
  "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL": 240
}
JSON
# The stand-in runs as user 10001 in its container. Without root the owner cannot be changed, so everyone may read the file.
chown 10001 "$run/settings.json" 2>/dev/null || chmod 644 "$run/settings.json"
