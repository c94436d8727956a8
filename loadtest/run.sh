#!/usr/bin/env bash
# Builds the service and the load generator for release and starts the service on a private PostgreSQL, Redis, folder and
# port. Drives it with a short set of scenarios, or with one, checks every answer and reads every acknowledged plan back; those
# of the short set once more after the service was killed, from PostgreSQL alone.
#
#     loadtest/run.sh [SCENARIO [OPTION…]]
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${REGISTRY_TEST_DATABASE_URL:-}" ] || [ -z "${REGISTRY_TEST_REDIS_URL:-}" ]; then
    exec tests/with-services.sh "$0" "$@"
fi
target=${CARGO_TARGET_DIR:-target}

cargo build --locked --release --bin instrument-registry
cargo build --locked --release -p registry-loadtest

folder=$(mktemp -d)
service=
finish() {
    [ -z "$service" ] || { kill "$service" 2>/dev/null && wait "$service" 2>/dev/null; } || true
    rm -rf "$folder"
}
trap finish EXIT

# What the shell has for another service is not for this one.
unset INTERNAL_API_KEY CONFIG_SERVICE_URL CONFIG_SERVICE_API_KEY REDIS_URL
# Starts the service, with more of an environment where that is given, and waits until it listens.
start() {
    # It is there before the service writes to it, for whoever looks first.
    : >"$folder/greeting"
    env "$@" DATABASE_URL="$REGISTRY_TEST_DATABASE_URL" DATA_DIR="$folder" PORT=0 LOG_LEVEL=warn \
        "$target/release/instrument-registry" serve >"$folder/greeting" &
    service=$!
    for _ in $(seq 200); do
        url=$(sed -n 's/.* listens on //p' "$folder/greeting")
        [ -z "$url" ] || return 0
        kill -0 "$service" 2>/dev/null || { echo "the service did not start" >&2; exit 1; }
        sleep 0.05
    done
    echo "the service did not become ready" >&2
    exit 1
}
start REDIS_URL="$REGISTRY_TEST_REDIS_URL"

# Each run has a seed of its own, or the plans of the one before would be cached already.
seed=0
run() {
    seed=$((seed + 1))
    local seeded=(--seed "$seed")
    [[ " $* " != *" --seed"* ]] || seeded=()
    "$target/release/loadtest" run "$@" ${seeded[@]+"${seeded[@]}"} --url "$url" --key-file "$folder/internal_api_key" --verify
}

if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
report="$target/loadtest"
mkdir -p "$report"
for instruments in 10 100 1000; do
    run cold --instruments "$instruments" --seconds 5 --ledger "$folder/ledger-$instruments"
done
run warm --seconds 5
run reorder --seconds 5
run read --seconds 5
run hot-key
run profiles --seconds 5
run search --seconds 5
run mixed --seconds 10 --html "$report/mixed.html"
run burst --html "$report/burst.html" --ledger "$folder/ledger-burst"

echo "the service is killed, and another reads the plans back without Redis:"
kill -9 "$service"
wait "$service" 2>/dev/null || true
start
for ledger in "$folder"/ledger-*; do
    "$target/release/loadtest" verify --ledger "$ledger" --url "$url" --key-file "$folder/internal_api_key"
done
echo "reports: $report/mixed.html $report/burst.html"
