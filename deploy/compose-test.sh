#!/usr/bin/env bash
# Builds the image in both build contexts, starts it on a real Docker engine, as a part of the platform and in the stack, and runs
# the checks of tests/stack. Removes everything at the end. Installs Docker from Debian if it is missing, and starts its own engine
# if none is running. Requires root.
#
#     deploy/compose-test.sh [MINUTES]    duration of each load; default: half a minute
set -euo pipefail
cd "$(dirname "$0")/.."
export LOAD_MINUTES=${1:-0.5}
export STACK=registry-test DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Set this variable to another port if a service already uses 8901 on this machine.
export PORT_INSTRUMENT_REGISTRY=${PORT_INSTRUMENT_REGISTRY:-8901}
image=stocksblitz-instrument-registry:latest
tree= engine= is_up=
scratch=$(mktemp -d -p /var/tmp)

fail() {
    echo "$*" >&2
    exit 1
}
say() { printf '\n== %s\n' "$*"; }
compose() { deploy/compose.sh "$@"; }
checks() { python3 "tests/stack/$1.py" --failfast "${@:2}"; }
# Runs docker-compose with the platform's compose file, which includes this service.
platform() { (cd "$tree" && docker-compose --project-name registry-platform --env-file .env.ports --file docker-compose.production.yml "$@"); }

missing=()
for tool in docker:docker.io docker-compose:docker-compose debootstrap:debootstrap curl:curl python3:python3; do
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

say "checks of the image"
checks deployment Image

say "deployment as part of the platform"
platform up -d instrument-registry
checks deployment Platform
platform down --volumes --timeout 15 >/dev/null 2>&1

say "stack start"
is_up=1
compose up --detach --no-build

say "readiness"
checks readiness

say "load, $LOAD_MINUTES minutes for each scenario"
cargo build --quiet --locked --release -p registry-loadtest
checks deployment Load

say "restarts and kills"
checks deployment Restarts
