#!/usr/bin/env bash
# Builds the service and the load generator for release, starts the service on a private folder and port, drives it with a
# scenario for a short while, checks every answer and reads every plan back.
#
#     loadtest/run.sh [SCENARIO [OPTION…]]
set -euo pipefail
cd "$(dirname "$0")/.."
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

# It is there before the service writes to it, for whoever looks first.
: >"$folder/greeting"
DATA_DIR="$folder" PORT=0 LOG_LEVEL=warn "$target/release/instrument-registry" serve >"$folder/greeting" &
service=$!
for _ in $(seq 200); do
    url=$(sed -n 's/.* listens on //p' "$folder/greeting")
    [ -z "$url" ] || break
    kill -0 "$service" 2>/dev/null || { echo "the service did not start" >&2; exit 1; }
    sleep 0.05
done
[ -n "$url" ] || { echo "the service did not become ready" >&2; exit 1; }

[ $# -gt 0 ] || set -- mixed
"$target/release/loadtest" run "$@" --url "$url" --key-file "$folder/internal_api_key" --verify
