#!/usr/bin/env bash
# Tests the service against its own OpenAPI document: the document is valid, the response to each example matches the document,
# the client in clients/python is generated from it and passes its tests, and schemathesis finds no contradiction in API_CASES
# generated requests. Also runs the checks of `make readiness` that need only the API.
# The service runs with SQLite, in its own folder and on its own port. It is stopped at the end, even after a failure or a
# signal. The tools are installed in the target folder, in the versions of tests/api/requirements.txt.
#   API_CASES  number of generated requests (10000)    API_SEED  seed of the generator (1)
#   API_RECORD=1 writes the responses to the examples to src/http/openapi/examples.json and exits
#   API_CLIENT=1 generates the code in clients/python and exits    API_CLIENT=test tests only the client
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
cases=${API_CASES:-10000}
seed=${API_SEED:-1}
profile=${PROFILE:-dev}
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
key=key-of-the-api-test
client=$repository/clients/python
# The timeout of a request, and the timeout of a run of schemathesis.
request_seconds=90 run_seconds=1800

folder=$(mktemp -d)
service=
finish() {
    stop_service
    rm -rf "$folder"
}

# Prints a message and the content of these files, and exits with 1.
fail() {
    echo "$0: $1" >&2
    shift
    cat "$@" >&2 2>/dev/null || true
    exit 1
}

stop_service() {
    [ -n "$service" ] || return 0
    kill "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
    service=
}

# Prints a free port outside the range that the system uses for outgoing connections.
free_port() {
    local port
    while port=$((10000 + RANDOM % 20000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# Starts the service with these variables in addition to those that it needs. It gets no other environment variables.
start_service() {
    local port
    port=$(free_port)
    url=http://127.0.0.1:$port
    env -i PATH="$PATH" PORT="$port" INTERNAL_API_KEY="$key" DATA_DIR="$folder/data" LOG_LEVEL=warn \
        INSTRUMENT_REGISTRY_INGEST_FOLDER="$repository/tests/api" "${sources[@]}" "$@" \
        "$binary" serve >>"$folder/log" 2>&1 &
    service=$!
    for _ in $(seq 300); do
        ! "$python" -c "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=5)" "$url/ready" 2>/dev/null || return 0
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    fail "service not ready within 30 s; its log:" "$folder/log"
}

# Every broker has a source, so that a request does not have to name one. Only Kite's file can be read; other jobs fail.
sources=()
for broker in KITE UPSTOX DHAN ANGEL FYERS GROWW NUVAMA SHOONYA ALICEBLUE; do
    sources+=("INSTRUMENT_REGISTRY_INGEST_SOURCE_$broker=$repository/tests/api/kite.csv")
done

# Installs Debian packages: as root, or with sudo if it does not require a password.
install() {
    echo "installing $*" >&2
    local root=
    [ "$(id -u)" = 0 ] || root="sudo -n"
    { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >&2
}

# Installs the tools if their list has changed.
install_tools() {
    local venv=$target/api-test/venv
    python=$repository/$venv/bin/python
    [ "${venv#/}" = "$venv" ] || python=$venv/bin/python
    tools=$(dirname "$python")
    cmp -s tests/api/requirements.txt "$target/api-test/installed" && [ -x "$python" ] && return
    rm -rf "$target/api-test"
    mkdir -p "$target/api-test"
    # A missing venv package shows only when pip is installed, so an incomplete folder is removed first.
    python3 -m venv "$venv" >&2 || { rm -rf "$venv" && install python3-venv && python3 -m venv "$venv" >&2; } ||
        fail "failed to install python3-venv; install it with the package manager"
    "$python" -m pip install --quiet --disable-pip-version-check --requirement tests/api/requirements.txt >&2 ||
        fail "failed to install the packages of tests/api/requirements.txt"
    cp tests/api/requirements.txt "$target/api-test/installed"
}

# Generates the code of the client from the document, which must not cause a warning.
generate_client() {
    "$python" -c "import sys, urllib.request as u; u.urlretrieve(sys.argv[1], sys.argv[2])" "$url/openapi.json" "$folder/document.json"
    # The generator searches PATH for ruff. Outside the repository, ruff finds no settings.
    (cd "$folder" && PATH="$tools:$PATH" "$tools/openapi-python-client" generate --path document.json --meta none \
        --config "$client/generator.yaml" --output-path generated --fail-on-warning) >"$folder/log-of-generator" 2>&1 ||
        fail "failed to generate a client:" "$folder/log-of-generator"
    ! grep -qi "warning\|error\|unsupported\|skipping" "$folder/log-of-generator" ||
        fail "client generator reported warnings:" "$folder/log-of-generator"
    rm -rf "$folder/generated/.ruff_cache"
}

# Tests the client as pip installs it, against this service, and checks its type hints.
test_client() {
    generate_client
    diff -r --exclude __pycache__ "$folder/generated" "$client/instrument_registry/generated" >"$folder/differences" ||
        fail "the client is not that of the document; run \`make client\`:" <(head -n 40 "$folder/differences")
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --target "$folder/packages" \
        "$client" >"$folder/log-of-pip" 2>&1 || fail "failed to install the client:" "$folder/log-of-pip"
    (cd "$client" && "$tools/ruff" check --quiet --no-cache . && "$tools/ruff" format --quiet --no-cache --check . &&
        "$tools/mypy" --cache-dir "$(dirname "$tools")/mypy" instrument_registry) >"$folder/log-of-lints" 2>&1 ||
        fail "lints of the client:" "$folder/log-of-lints"
    env -i PATH="$PATH" PYTHONPATH="$folder/packages" PYTHONDONTWRITEBYTECODE=1 REGISTRY_TEST_URL="$url" REGISTRY_TEST_KEY="$key" \
        REGISTRY_TEST_BINARY="$(realpath "$binary")" "$python" -m pytest --quiet -p no:cacheprovider \
        "$client/tests" >"$folder/log-of-tests" 2>&1 || fail "tests of the client:" "$folder/log-of-tests"
    echo "client: ok, $(tail -n 1 "$folder/log-of-tests")"
}

# Runs schemathesis until it has sent API_CASES cases. Each round has its own seed. All checks are on except use_after_free: the
# API's two DELETE operations, of a profile and of a job, keep the resource, so it can still be read.
fuzz() {
    local sent=0 round=0
    # The coverage phase sends about two thousand cases and finds most errors. Sequences of requests (stateful) are for longer runs.
    local phases=examples,coverage,fuzzing
    [ "$cases" -lt 1000 ] || phases=$phases,stateful
    while [ "$sent" -lt "$cases" ]; do
        # Each example results in about seventy cases: one per operation, and sequences of requests.
        local examples=$(((cases - sent) / 70 + 1))
        (cd "$folder" && SCHEMATHESIS_HOOKS="$repository/tests/api/hooks.py" timeout "$run_seconds" "$tools/schemathesis" \
            --config-file "$repository/tests/api/schemathesis.toml" run openapi.json --url "$url" --checks all --exclude-checks use_after_free \
            --header "X-Internal-API-Key: $key" --phases "$phases" --max-examples "$examples" --seed $((seed + round)) \
            --request-timeout "$request_seconds" --no-color) >"$folder/found" 2>&1 ||
            fail "schemathesis found contradictions between the service and the document:" "$folder/found"
        local now
        now=$(sed -n 's/^ *\([0-9][0-9]*\) generated.*/\1/p' "$folder/found" | tail -n 1)
        [ -n "$now" ] && [ "$now" -gt 0 ] || fail "schemathesis sent no cases:" "$folder/found"
        sent=$((sent + now)) round=$((round + 1))
        # The other phases send the same cases in every round.
        phases=fuzzing,stateful
    done
    echo "schemathesis: ok, $sent cases, first seed $seed"
}

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
install_tools
$cargo build --locked --profile "$profile" --bin instrument-registry
binary=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/instrument-registry

# A calendar cannot be loaded through the API.
env -i PATH="$PATH" DATA_DIR="$folder/data" "$binary" ingest --calendar tests/api/calendar.csv >"$folder/loaded" 2>&1 ||
    fail "failed to ingest the calendar:" "$folder/loaded"
# A conflict stays pending only with this strategy. The examples are sent with the default strategy.
start_service INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY=fail_on_conflict
"$python" tests/api/examples.py conflict "$url" "$key"
stop_service
start_service
if [ -n "${API_RECORD:-}" ]; then
    "$python" tests/api/examples.py record "$url" "$key" src/http/openapi/examples.json
    exit
fi
case ${API_CLIENT:-} in
test)
    test_client
    exit
    ;;
?*)
    generate_client
    rm -rf "$client/instrument_registry/generated"
    mv "$folder/generated" "$client/instrument_registry/generated"
    exit
    ;;
esac
REGISTRY_TEST_URL=$url REGISTRY_TEST_KEY=$key "$python" tests/stack/readiness.py Api >"$folder/log-of-readiness" 2>&1 ||
    fail "readiness checks:" "$folder/log-of-readiness"
"$python" tests/api/examples.py send "$url" "$key" "$folder/openapi.json"
"$tools/openapi-spec-validator" "$folder/openapi.json" >"$folder/valid" 2>&1 || fail "invalid OpenAPI document:" "$folder/valid"
test_client
fuzz
# A request that stops the service fails the run above; this finds a service that stopped after the last response.
kill -0 "$service" 2>/dev/null || fail "service stopped unexpectedly; its log:" "$folder/log"
