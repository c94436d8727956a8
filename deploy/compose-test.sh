#!/usr/bin/env bash
# Builds the image in both build contexts, starts the stack on a real Docker engine and tests it: readiness, load within the
# CPU and memory limits, a rolling restart, and a kill of each container. Removes everything at the end. Installs Docker from
# Debian if it is missing, and starts its own engine if none is running. Requires root.
#
#     deploy/compose-test.sh [MINUTES]    duration of each load; default: half a minute
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-0.5}
target=${CARGO_TARGET_DIR:-target}
export STACK=registry-test DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Set this variable to another port if a service already uses 8901 on this machine.
export PORT_INSTRUMENT_REGISTRY=${PORT_INSTRUMENT_REGISTRY:-8901}
image=stocksblitz-instrument-registry:latest
# The maximum size that the image may add to its base image.
image_bytes_max=$((60 * 1000 * 1000))
tree= engine= alone= is_up=
scratch=$(mktemp -d -p /var/tmp)

fail() {
    echo "$*" >&2
    exit 1
}
say() { printf '\n== %s\n' "$*"; }
compose() { deploy/compose.sh "$@"; }
# Runs docker-compose with the platform's compose file, which includes this service.
platform() { (cd "$tree" && docker-compose --project-name registry-platform --env-file .env.ports --file docker-compose.production.yml "$@"); }

missing=()
for tool in docker:docker.io docker-compose:docker-compose debootstrap:debootstrap jq:jq curl:curl; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    say "installation of ${missing[*]}"
    apt-get update -qq
    apt-get install -qq --yes "${missing[@]}"
fi

# Newer clients need the buildx plugin to build. Debian's client does not, so prefer it if the plugin is missing.
docker buildx version >/dev/null 2>&1 || [ ! -x /usr/bin/docker ] || PATH=/usr/bin:$PATH

finish() {
    local code=$?
    if [ $code != 0 ] && [ -n "$is_up" ]; then
        compose ps >&2
        compose logs --tail 40 >&2
    fi
    [ -z "$alone" ] || docker rm --force "$alone" >/dev/null 2>&1 || true
    compose down --volumes --timeout 15 >/dev/null 2>&1 || true
    [ -z "$tree" ] || platform down --volumes --timeout 15 >/dev/null 2>&1 || true
    rm -rf "$scratch"
    [ -z "$engine" ] || { kill "$engine" 2>/dev/null && wait "$engine" 2>/dev/null; } || true
    [ $code = 0 ] && say "compose test: ok" || say "compose test: FAILED"
}
trap finish EXIT

if ! docker info >/dev/null 2>&1; then
    say "Docker engine start"
    # In its own process group: after a signal from the terminal, the engine must run until everything is removed.
    setsid dockerd >"$scratch/dockerd.log" 2>&1 &
    engine=$!
    for _ in $(seq 100); do
        docker info >/dev/null 2>&1 && break
        sleep 0.2
    done
    docker info >/dev/null 2>&1 || { tail -5 "$scratch/dockerd.log" >&2; fail "failed to start the Docker engine; its log is above"; }
fi
for tool in cargo git; do
    command -v "$tool" >/dev/null || fail "$tool is not installed; install it and run the test again"
done
deploy/base-images.sh
deploy/prepare.sh
set -a
. deploy/.run/env
set +a

say "image build, with this repository as the context"
docker build --network host --build-arg SRC=. --build-arg "PORT=$PORT_INSTRUMENT_REGISTRY" --tag "$image" .
docker build --network host --build-arg SRC=. --target config-standin --tag config-standin:latest .

say "image build, with a context that has this repository as instrument_registry/"
tree=$scratch/platform
mkdir -p "$tree/instrument_registry"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory="$tree/instrument_registry"
deploy/render.sh >"$tree/docker-compose.production.yml"
cp deploy/.env.ports "$tree/"
cp -a deploy/.run "$tree/instrument_registry/deploy/"
platform config --quiet
docker build --network host --build-arg "PORT=$PORT_INSTRUMENT_REGISTRY" --file "$tree/instrument_registry/Dockerfile" --tag "$image" "$tree"

size() { docker image inspect --format '{{.Size}}' "$1"; }
added=$(($(size "$image") - $(size debian:bookworm-slim)))
echo "size added to the base image: $((added / 1000000)) MB; maximum: $((image_bytes_max / 1000000)) MB"
[ "$added" -le "$image_bytes_max" ] || fail "image too large: expected at most $image_bytes_max bytes added to its base, got $added"
found=$(docker image inspect --format '{{.Config.User}} {{len .Config.Healthcheck.Test}} {{index .Config.Labels "org.opencontainers.image.title"}}' "$image")
[ "$found" = "10001:10001 2 instrument-registry" ] || fail "user, health check or title of the image is wrong: expected \`10001:10001 2 instrument-registry\`, got \`$found\`"
docker run --rm --entrypoint grep "$image" --quiet --text '\.dep-v0' /usr/local/bin/instrument-registry || fail "the binary does not list its dependencies; build it with cargo auditable"

say "single container, read-only and without a volume"
alone=$(docker run --detach --read-only --env "PORT=$PORT_INSTRUMENT_REGISTRY" --env INTERNAL_API_KEY=fake --env CONFIG_SERVICE_URL=http://127.0.0.1:9 "$image")
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
    echo "service not ready within 60 s: $(curl -sS --max-time 5 "$origin/ready" || true)" >&2
    return 1
}
# Sends the requests that a new deployment is checked with first.
first_request() {
    curl -fsS "$origin/health" | jq .
    curl -fsS -X POST "$origin/api/v1/internal/instrument-registry/subscriptions/plan?user_id=demo" \
        -H "X-Internal-API-Key: $INTERNAL_API_KEY" -H 'Content-Type: application/json' \
        -d '{"plan_name": "Test Plan", "subscription_type": "live_feed", "instruments": ["NSE:RELIANCE", "NSE:TCS"]}' | jq .status
}

say "deployment as part of the platform"
platform up -d instrument-registry
until_ready
first_request
deployed() { docker inspect --format "{{$1}}" sb-instrument-registry-prod; }
for _ in $(seq 120); do
    [ "$(deployed .State.Health.Status)" = starting ] || break
    sleep 0.5
done
found="$(deployed .State.Health.Status) $(deployed .HostConfig.Memory) $(deployed .HostConfig.MemoryReservation) $(deployed .HostConfig.NanoCpus)"
echo "health, memory limit (bytes), memory reservation (bytes), CPU limit (1e-9 CPUs): $found"
[ "$found" = "healthy $((384 << 20)) $((256 << 20)) 750000000" ] ||
    fail "container does not match the specification: expected \`healthy $((384 << 20)) $((256 << 20)) 750000000\`, got \`$found\`"
platform down --volumes --timeout 15 >/dev/null 2>&1

say "stack start"
is_up=1
compose up --detach --no-build
until_ready
first_request

say "readiness"
deploy/readiness.sh

container() { compose ps -q "$1"; }
state() { docker inspect --format "{{$2}}" "$(container "$1")"; }
# Prints the peak resident memory of the service so far, in MB.
memory_mb() { awk '/^VmHWM:/ {print int($2 / 1024)}' "/proc/$(state instrument-registry .State.Pid)/status"; }
# Prints how often the kernel ran out of memory in the service's control group and killed a process. Supports cgroup v1 and v2.
kills() {
    local of
    of=$(state instrument-registry .State.Pid)
    while IFS=: read -r _ controllers folder; do
        case $controllers in
            memory) cat "/sys/fs/cgroup/memory$folder/memory.oom_control" ;;
            '') cat "/sys/fs/cgroup$folder/memory.events" ;;
        esac 2>/dev/null || true
    done <"/proc/$of/cgroup" | awk '$1 == "oom_kill" {sum += $2; seen = 1} END {print seen ? sum : "unknown"}'
}
# Waits until /ready reports every dependency as ok.
until_whole() {
    for _ in $(seq 150); do
        curl -fsS --max-time 5 "$origin/ready" 2>/dev/null |
            jq -e '[.checks.database, .checks.redis, .checks.config_service | .status] == ["ok", "ok", "ok"]' >/dev/null 2>&1 && return 0
        sleep 0.4
    done
    fail "dependencies not recovered within 60 s: $(curl -sS --max-time 5 "$origin/ready" || true)"
}

say "catalog of 250,000 instruments"
umask 077
printf 'X-Internal-API-Key: %s' "$INTERNAL_API_KEY" >"$scratch/header"
printf '%s' "$INTERNAL_API_KEY" >"$scratch/key"
key=(-H "@$scratch/header")
base=$origin/api/v1/internal/instrument-registry
job=$({
    echo "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
    echo "1,1,TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE"
    seq 2 250000 | awk '{printf "%d,%d,STOCK%d,STOCK %d LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n", $1, $1, $1, $1}'
} | gzip | curl -fsS "${key[@]}" -H 'Content-Type: application/octet-stream' --data-binary @- "$base/brokers/kite/ingest?force=true" | jq -r .job_id)
for _ in $(seq 150); do
    status=$(curl -fsS "${key[@]}" "$base/jobs/$job" | jq -r .status)
    [[ $status = queued || $status = running ]] || break
    sleep 0.4
done
[ "$status" = completed ] || fail "ingest job did not complete: expected status completed, got $status"
# The service serves an accepted file after a few seconds.
for _ in $(seq 50); do
    served=$(curl -fsS "${key[@]}" "$base/catalog/summary" | jq .total_instruments)
    [ "$served" -lt 250000 ] || break
    sleep 0.4
done
echo "instruments served: $served"
[ "$served" -ge 250000 ] || fail "accepted file not served within 20 s: expected at least 250000 instruments, got $served"

say "load with 50 concurrent callers, $minutes minutes for each scenario"
cargo build --quiet --locked --release -p registry-loadtest
seconds=$(awk -v m="$minutes" 'BEGIN {print int(m * 60)}')
# Runs a scenario. Every request must get a response, none may be rejected, and the p99 of each kind must stay below its limit.
load() {
    local scenario=$1 report=$scratch/report
    shift
    "$target/release/loadtest" run "$scenario" --url "$origin" --key-file "$scratch/key" --connections 50 --seconds "$seconds" \
        --requests 20000000 --seed "$RANDOM" --verify --json "$@" >"$report" || {
        jq '{faults, verification, outcomes}' "$report" >&2
        fail "scenario $scenario failed; its faults are above"
    }
    jq -c '{scenario, goodput: .goodput_per_second, p99: (.kinds | map_values(.latency.p99_ms)), refused: .refused.count, unsent}' "$report"
    jq -e --argjson seconds "$seconds" '.refused.count == 0 and .unsent == 0 and .seconds > $seconds - 2 and (.kinds | length) > 0
        and ([.kinds.new // empty | .latency.p99_ms < 500] | all) and ([.kinds.repeat // empty | .latency.p99_ms < 100] | all)' \
        "$report" >/dev/null || fail "scenario $scenario: expected no rejected or unsent requests, the full duration, and a p99 below 500 ms (new) and 100 ms (repeat)"
}
# Longer runs have a rate limit, because more plans than this cannot be read back in time.
cold=(cold)
[ "$seconds" -le 60 ] || cold+=(--rate 1500)
load "${cold[@]}"
load warm
load mixed
used=$(memory_mb)
echo "peak resident memory: $used MB; reservation: 256 MB, limit: 384 MB"
[ "$used" -gt 0 ] && [ "$used" -le 256 ] || fail "memory out of range: expected 1 to 256 MB, got $used MB"
found="$(state instrument-registry .State.OOMKilled) $(state instrument-registry .RestartCount) $(kills)"
[ "$found" = "false 0 0" ] || fail "out-of-memory kill, restarts, kernel kills: expected \`false 0 0\`, got \`$found\`"

planned() {
    curl -fsS --max-time 10 "${key[@]}" -H 'Content-Type: application/json' "$base/subscriptions/plan?user_id=$1" \
        -d '{"plan_name": "Kept", "subscription_type": "live_feed", "instruments": ["NSE:TCS"]}' 2>/dev/null | jq -r "$2"
}
until_planned() {
    for _ in $(seq 100); do
        [ "$(planned "after-$RANDOM$RANDOM" .status)" != created ] || return 0
        sleep 0.3
    done
    fail "no new plan was created within 30 s after the restart"
}
kept=$(planned kept .plan_id)
is_kept() { curl -fsS --max-time 10 "${key[@]}" "$base/subscriptions/plans/$kept" >/dev/null || fail "plan $kept is lost"; }

say "rolling restart"
for service in redis config-service postgres instrument-registry; do
    compose restart --timeout 15 "$service" >/dev/null 2>&1 || fail "failed to restart $service"
    until_whole
    until_planned
    is_kept
    echo "restart of $service: ok"
done

say "kill of each container"
for service in redis config-service postgres instrument-registry; do
    before=$(state "$service" .RestartCount)
    # With a signal from outside the engine, because the engine does not restart a container that it stopped itself.
    kill -KILL "$(state "$service" .State.Pid)"
    for _ in $(seq 100); do
        [ "$(state "$service" .RestartCount)" = "$before" ] || break
        sleep 0.3
    done
    [ "$(state "$service" .RestartCount)" -gt "$before" ] || fail "$service was killed and did not restart within 30 s"
    until_whole
    until_planned
    is_kept
    echo "kill of $service: ok, recovered"
done
