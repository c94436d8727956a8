#!/usr/bin/env bash
# Compares the latency of cached plans during ingests of a broker's file of 127,000 rows with the latency without ingests, in one
# run: the same service, the same requests, the same rate.
#
#     loadtest/during-a-load.sh [RATE [SECONDS]]    requests per second (300) and duration of each measurement (20)
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
rate=${1:-300}
seconds=${2:-20}
rows=127000

cargo build --locked --release --bin instrument-registry
cargo build --locked --release -p registry-loadtest

folder=$(mktemp -d)
service= loader=
finish() {
    [ -z "$loader" ] || kill "$loader" 2>/dev/null || true
    [ -z "$service" ] || { kill "$service" 2>/dev/null && wait "$service" 2>/dev/null; } || true
    rm -rf "$folder"
}
trap finish EXIT

# Prints a file in Kite's format: the shares of the plans, and options with many strikes. The same file is ingested repeatedly,
# because a changed catalog would require new plans instead of cached ones.
file() {
    awk -v rows=$rows '
        BEGIN { print "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange" }
        { print NR * 256 "," NR "," $1 "," $1 ",0,,0,0.05,1,EQ,NSE,NSE"; shares = NR }
        END {
            for (n = shares + 1; n <= rows; n++) {
                strike = 50 * int(n / 2); kind = n % 2 ? "CE" : "PE"
                print n * 256 "," n ",NIFTY31AUG" strike kind ",NIFTY,0,2031-08-26," strike ",0.05," 65 "," kind ",NFO-OPT,NFO"
            }
        }' <(sed 's/^NSE://; /^#/d; /^$/d' loadtest/nse.txt)
}
file | gzip -1 >"$folder/a.csv.gz"

# The file must exist before the loop below reads it.
: >"$folder/greeting"
DATA_DIR="$folder/data" PORT=0 LOG_LEVEL=warn "$target/release/instrument-registry" serve >"$folder/greeting" &
service=$!
for _ in $(seq 200); do
    url=$(sed -n 's/.* listens on //p' "$folder/greeting")
    [ -z "$url" ] || break
    kill -0 "$service" 2>/dev/null || { echo "failed to start the service; its log is above" >&2; exit 1; }
    sleep 0.05
done
base="$url/api/v1/internal/instrument-registry"
key="X-Internal-API-Key: $(cat "$folder/data/internal_api_key")"

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
load() {
    job=$(curl -sS -X POST "$base/brokers/kite/ingest" -H "$key" -H 'Content-Type: application/octet-stream' \
        --data-binary "@$1" | field job_id)
    status=queued
    while [ "$status" = queued ] || [ "$status" = running ]; do
        sleep 0.5
        status=$(curl -sS "$base/jobs/$job" -H "$key" | field status)
    done
    [ "$status" = completed ] || { echo "ingest job did not complete: expected status completed, got $status" >&2; return 1; }
}
cached() {
    "$target/release/loadtest" run warm --url "$url" --key-file "$folder/data/internal_api_key" --keys loadtest/nse.txt \
        --connections 32 --rate "$rate" --arrivals constant --requests 1000000 --seconds "$seconds" --instruments 20 \
        --users 1 --pool 200 --json >"$1"
}
# Prints the p99 over all kinds of requests. This scenario has only one kind.
p99() { tr -d ' \n' <"$1" | sed 's/.*"answer_bytes_mean":[0-9.]*,"latency":{\([^}]*\)}.*/\1/' | field p99_ms; }

load "$folder/a.csv.gz"
sleep 3
cached "$folder/quiet.json"
(while load "$folder/a.csv.gz"; do echo >>"$folder/loads"; done) &
loader=$!
cached "$folder/loading.json"
kill "$loader" 2>/dev/null || true
loader=
quiet=$(p99 "$folder/quiet.json")
loading=$(p99 "$folder/loading.json")
echo "cached plans at $rate/s for ${seconds} s: p99 $quiet ms without ingests, $loading ms during $(wc -l <"$folder/loads") ingests of $rows rows"
awk -v quiet="$quiet" -v loading="$loading" 'BEGIN { printf "ratio %.2f, target: at most 2\n", loading / quiet }'
