#!/usr/bin/env bash
# Builds the image in both of its contexts, starts the stack with a real engine, and tries it: readiness, load within its limits
# of processor and memory, a rolling restart, the death of each container. Takes everything down at the end. Installs Docker
# from Debian where it is missing, and starts an engine of its own where none runs. Needs root.
#
#     deploy/compose-test.sh [MINUTES]    how long the load is kept up; half a minute where not given
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-0.5}
target=${CARGO_TARGET_DIR:-target}
export STACK=registry-test DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Beside a service of this machine's own.
export PORT_INSTRUMENT_REGISTRY=${PORT_INSTRUMENT_REGISTRY:-8901}
image=stocksblitz-instrument-registry:latest
# What the image may add to the one it stands on.
image_bytes_max=$((60 * 1000 * 1000))
tree= engine= alone=

say() { printf '\n== %s\n' "$*"; }
compose() { deploy/compose.sh "$@"; }
# The platform's own file, with this service's part in it.
platform() { (cd "$tree" && docker-compose --project-name registry-platform --file docker-compose.production.yml "$@"); }

missing=()
for tool in docker:docker.io docker-compose:docker-compose debootstrap:debootstrap jq:jq curl:curl; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt-get update -qq
    apt-get install -qq --yes "${missing[@]}"
fi

# Newer clients build with a component of their own, which Debian's client has within it.
docker buildx version >/dev/null 2>&1 || [ ! -x /usr/bin/docker ] || PATH=/usr/bin:$PATH

finish() {
    local code=$?
    [ -z "$alone" ] || docker rm --force "$alone" >/dev/null 2>&1 || true
    compose down --volumes --timeout 15 >/dev/null 2>&1 || true
    [ -z "$tree" ] || platform down --volumes --timeout 15 >/dev/null 2>&1 || true
    [ -z "$tree" ] || rm -rf "$tree"
    [ -z "$engine" ] || { kill "$engine" 2>/dev/null && wait "$engine" 2>/dev/null; } || true
    [ $code = 0 ] && say "passed" || say "failed"
}
trap finish EXIT

if ! docker info >/dev/null 2>&1; then
    say "starting an engine"
    dockerd >"${TMPDIR:-/tmp}/registry-dockerd.log" 2>&1 &
    engine=$!
    for _ in $(seq 100); do
        docker info >/dev/null 2>&1 && break
        sleep 0.2
    done
fi
deploy/base-images.sh
deploy/prepare.sh
set -a
. deploy/.run/env
set +a

say "building, with this repository as the context"
docker build --network host --build-arg SRC=. --build-arg "PORT=$PORT_INSTRUMENT_REGISTRY" --tag "$image" .
docker build --network host --build-arg SRC=. --target config-standin --tag config-standin:latest .

say "building, with a tree that has it as instrument_registry/"
tree=$(mktemp -d)
mkdir "$tree/instrument_registry"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$tree/instrument_registry"
deploy/render.sh >"$tree/docker-compose.production.yml"
cp deploy/.env.ports "$tree/"
cp -R deploy/.run "$tree/instrument_registry/deploy/"
platform config --quiet
docker build --network host --file "$tree/instrument_registry/Dockerfile" --tag "$image" "$tree"

size() { docker image inspect --format '{{.Size}}' "$1"; }
added=$(($(size "$image") - $(size debian:bookworm-slim)))
echo "the image adds $((added / 1000000)) MB to its base; $((image_bytes_max / 1000000)) are allowed"
[ "$added" -le "$image_bytes_max" ]

say "running alone, read-only and without a volume"
alone=$(docker run --detach --read-only --env INTERNAL_API_KEY=fake --env CONFIG_SERVICE_URL=http://127.0.0.1:9 "$image")
for _ in $(seq 50); do
    docker exec "$alone" curl -fsS "http://localhost:$PORT_INSTRUMENT_REGISTRY/health" 2>/dev/null && break
    sleep 0.2
done
echo
docker exec "$alone" curl -fsS "http://localhost:$PORT_INSTRUMENT_REGISTRY/health" >/dev/null
docker rm --force "$alone" >/dev/null
alone=

origin=http://localhost:$PORT_INSTRUMENT_REGISTRY
until_ready() {
    for _ in $(seq 150); do
        curl -fsS --max-time 5 "$origin/ready" >/dev/null 2>&1 && return 0
        sleep 0.4
    done
    echo "not ready: $(curl -sS --max-time 5 "$origin/ready" || true)" >&2
    return 1
}
# The first request of whoever has deployed it.
first_request() {
    curl -fsS "$origin/health" | jq .
    curl -fsS -X POST "$origin/api/v1/internal/instrument-registry/subscriptions/plan?user_id=demo" \
        -H "X-Internal-API-Key: $INTERNAL_API_KEY" -H 'Content-Type: application/json' \
        -d '{"plan_name": "Test Plan", "subscription_type": "live_feed", "instruments": ["NSE:RELIANCE", "NSE:TCS"]}' | jq .status
}

say "deploying it as one part of the platform"
platform up -d instrument-registry
until_ready
first_request
deployed() { docker inspect --format "{{$1}}" sb-instrument-registry-prod; }
for _ in $(seq 120); do
    [ "$(deployed .State.Health.Status)" = starting ] || break
    sleep 0.5
done
found="$(deployed .State.Health.Status) $(deployed .HostConfig.Memory) $(deployed .HostConfig.MemoryReservation) $(deployed .HostConfig.NanoCpus)"
echo "health, bytes of memory, reserved ones, processors: $found"
[ "$found" = "healthy $((384 << 20)) $((256 << 20)) 750000000" ]
platform down --volumes --timeout 15 >/dev/null 2>&1

say "starting the stack"
compose up --detach --no-build
until_ready
first_request

say "readiness"
deploy/readiness.sh

container() { compose ps -q "$1"; }
# Resident memory that the kernel counts for the container, in MB, at most so far.
memory_mb() {
    local id file
    id=$(docker inspect --format '{{.Id}}' "$(container instrument-registry)")
    for file in "/sys/fs/cgroup/memory/docker/$id/memory.max_usage_in_bytes" "/sys/fs/cgroup/system.slice/docker-$id.scope/memory.peak"; do
        [ ! -f "$file" ] || { echo $(($(cat "$file") >> 20)); return; }
    done
    echo 0
}

say "a catalogue of 250,000 instruments"
key=(-H "X-Internal-API-Key: $INTERNAL_API_KEY")
base=$origin/api/v1/internal/instrument-registry
job=$({
    echo "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
    echo "1,1,TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE"
    seq 2 250000 | awk '{printf "%d,%d,STOCK%d,STOCK %d LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n", $1, $1, $1, $1}'
} | gzip | curl -fsS "${key[@]}" -H 'Content-Type: application/octet-stream' --data-binary @- "$base/brokers/kite/ingest?force=true" | jq -r .job_id)
for _ in $(seq 150); do
    state=$(curl -fsS "${key[@]}" "$base/jobs/$job" | jq -r .status)
    [[ $state = queued || $state = running ]] || break
    sleep 0.4
done
[ "$state" = completed ]
# It is served a few seconds after it was accepted.
for _ in $(seq 50); do
    served=$(curl -fsS "${key[@]}" "$base/catalog/summary" | jq .total_instruments)
    [ "$served" -lt 250000 ] || break
    sleep 0.4
done
echo "$served instruments are served"
[ "$served" -ge 250000 ]

say "load, 50 callers at once, for $minutes minutes each"
cargo build --quiet --locked --release -p registry-loadtest
seconds=$(awk -v m="$minutes" 'BEGIN {print int(m * 60)}')
umask 077
keyfile=$(mktemp)
printf '%s' "$INTERNAL_API_KEY" >"$keyfile"
# The p99 of a scenario, which must stay below a limit in ms.
load() {
    local scenario=$1 limit=$2 report p99
    shift 2
    report=$(mktemp)
    "$target/release/loadtest" run "$scenario" --url "$origin" --key-file "$keyfile" --connections 50 --seconds "$seconds" \
        --requests 10000000 --seed "$RANDOM" --verify --json "$@" >"$report"
    p99=$(jq .latency.p99_ms "$report")
    jq -c --arg scenario "$scenario" '{scenario: $scenario, goodput: .goodput_per_second, p50: .latency.p50_ms, p99: .latency.p99_ms}' "$report"
    rm -f "$report"
    awk -v p99="$p99" -v limit="$limit" 'BEGIN {exit !(p99 < limit)}' || { echo "p99 is $p99 ms; $limit are allowed" >&2; return 1; }
}
load cold 500
load warm 100
load mixed 500
rm -f "$keyfile"
used=$(memory_mb)
echo "memory at most: $used MB of 384"
[ "$used" -gt 0 ] && [ "$used" -lt 384 ]
[ "$(docker inspect --format '{{.State.OOMKilled}} {{.RestartCount}}' "$(container instrument-registry)")" = "false 0" ]

say "a rolling restart"
for service in redis config-service postgres instrument-registry; do
    compose restart --timeout 15 "$service" >/dev/null 2>&1
    until_ready
    echo "$service was restarted"
done

say "the death of each container"
planned() {
    curl -fsS --max-time 10 "${key[@]}" -H 'Content-Type: application/json' "$base/subscriptions/plan?user_id=after-$RANDOM$RANDOM" \
        -d '{"plan_name": "After", "subscription_type": "live_feed", "instruments": ["NSE:TCS"]}' 2>/dev/null | jq -r .status
}
for service in redis config-service postgres instrument-registry; do
    docker kill "$(container "$service")" >/dev/null
    # An engine does not start what was killed by hand.
    docker start "$(compose ps -q --all "$service" 2>/dev/null || container "$service")" >/dev/null
    for _ in $(seq 100); do
        [ "$(planned)" = created ] && break
        sleep 0.3
    done
    [ "$(planned)" = created ]
    echo "$service was killed, and plans are made again"
done
