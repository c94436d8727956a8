#!/usr/bin/env bash
# Builds release binaries of the service and the load generator, and starts the service with a private PostgreSQL, Redis, folder
# and port. Runs a short set of scenarios, or the given one. Checks every response and reads every acknowledged plan back. After
# the short set, kills the service and reads the plans back a second time, from PostgreSQL only.
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

# These variables may be set for another service.
unset INTERNAL_API_KEY CONFIG_SERVICE_URL CONFIG_SERVICE_API_KEY REDIS_URL
# Starts the service with these additional environment variables, and waits until it listens.
start() {
    # The file must exist before the loop below reads it.
    : >"$folder/greeting"
    env "$@" DATABASE_URL="$REGISTRY_TEST_DATABASE_URL" DATA_DIR="$folder" PORT=0 LOG_LEVEL=warn \
        "$target/release/instrument-registry" serve >"$folder/greeting" &
    service=$!
    for _ in $(seq 200); do
        url=$(sed -n 's/.* listens on //p' "$folder/greeting")
        [ -z "$url" ] || return 0
        kill -0 "$service" 2>/dev/null || { echo "failed to start the service; its log is above" >&2; exit 1; }
        sleep 0.05
    done
    echo "service not ready within 10 s" >&2
    exit 1
}
start REDIS_URL="$REGISTRY_TEST_REDIS_URL"

# Each run has its own seed, because the plans of a previous run with the same seed would be in the cache.
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
run mixed --seconds 10 --histogram "$report/mixed.hgrm"
run burst --histogram "$report/burst.hgrm" --ledger "$folder/ledger-burst"

echo "durability after a kill (second service, without Redis):"
kill -9 "$service"
wait "$service" 2>/dev/null || true
start
for ledger in "$folder"/ledger-*; do
    "$target/release/loadtest" verify --ledger "$ledger" --url "$url" --key-file "$folder/internal_api_key"
done
echo "histograms of latencies: $report/mixed.hgrm $report/burst.hgrm"
