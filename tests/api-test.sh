#!/usr/bin/env bash
# Tests the service against its own OpenAPI document: the document is valid, each of its examples is answered as documented, a
# client can be generated from it and creates a plan, and schemathesis finds no contradiction in API_CASES generated requests.
# The service runs on its embedded default, in a folder and on a port of its own, and is stopped at the end, also after a
# failure or a signal. The tools are installed below the target folder, in the versions of tests/api/requirements.txt.
#   API_CASES  generated requests (10000)    API_SEED  where generation starts (1)
#   API_RECORD=1 writes the answers to the examples into src/http/openapi/examples.json and stops
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
cases=${API_CASES:-10000}
seed=${API_SEED:-1}
profile=${PROFILE:-dev}
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
key=key-of-the-api-test
# No case waits longer than this, and no run of schemathesis takes longer.
request_seconds=90 run_seconds=1800

folder=$(mktemp -d)
service=
finish() {
    stop_service
    rm -rf "$folder"
}

# Ends with a sentence and what these files say.
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

# A port that nobody listens on, and none of those that the system gives to outgoing connections.
free_port() {
    local port
    while port=$((10000 + RANDOM % 20000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# Starts the service with these variables besides those that it needs. Nothing else of the environment reaches it.
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
    fail "the service does not start:" "$folder/log"
}

# Every broker has a source, so that a request need not name one. Of others than Kite it cannot be read: their jobs fail.
sources=()
for broker in KITE UPSTOX DHAN ANGEL FYERS GROWW NUVAMA; do
    sources+=("INSTRUMENT_REGISTRY_INGEST_SOURCE_$broker=$repository/tests/api/kite.csv")
done

# Installs Debian packages: as root, or through sudo if it needs no password.
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
    # Where venv is missing it is only noticed when pip is to be put into one.
    python3 -m venv "$venv" >&2 || { rm -rf "$venv" && install python3-venv && python3 -m venv "$venv" >&2; } ||
        fail "python3 with venv is not installed and could not be"
    "$python" -m pip install --quiet --disable-pip-version-check --requirement tests/api/requirements.txt >&2 ||
        fail "the tools could not be installed"
    cp tests/api/requirements.txt "$target/api-test/installed"
}

# Generates a client without a warning, and creates a plan through it.
test_client() {
    # The generator looks for ruff in PATH.
    (cd "$folder" && PATH="$tools:$PATH" "$tools/openapi-python-client" generate --path openapi.json \
        --config "$repository/tests/api/client.yaml" --output-path client --fail-on-warning) >"$folder/generated" 2>&1 ||
        fail "no client could be generated:" "$folder/generated"
    ! grep -qi "warning\|error\|unsupported\|skipping" "$folder/generated" ||
        fail "the generator complains:" "$folder/generated"
    PYTHONPATH="$folder/client" "$python" tests/api/plan.py "$url" "$key"
}

# Runs schemathesis until it has sent so many cases. Each round has a seed of its own, and all checks but one: the API has two
# DELETE operations, of a profile and of a job, and both are kept, so that they can still be read.
fuzz() {
    local sent=0 round=0
    # Coverage alone is some two thousand cases, and finds the most. Sequences of requests are for longer runs.
    local phases=examples,coverage,fuzzing
    [ "$cases" -lt 1000 ] || phases=$phases,stateful
    while [ "$sent" -lt "$cases" ]; do
        # Some seventy cases come of each: one for every operation, and sequences of requests.
        local examples=$(((cases - sent) / 70 + 1))
        (cd "$folder" && SCHEMATHESIS_HOOKS="$repository/tests/api/hooks.py" timeout "$run_seconds" "$tools/schemathesis" \
            --config-file "$repository/tests/api/schemathesis.toml" run openapi.json --url "$url" --checks all --exclude-checks use_after_free \
            --header "X-Internal-API-Key: $key" --phases "$phases" --max-examples "$examples" --seed $((seed + round)) \
            --request-timeout "$request_seconds" --no-color) >"$folder/found" 2>&1 ||
            fail "schemathesis found contradictions:" "$folder/found"
        local now
        now=$(sed -n 's/^ *\([0-9][0-9]*\) generated.*/\1/p' "$folder/found" | tail -n 1)
        [ -n "$now" ] && [ "$now" -gt 0 ] || fail "schemathesis sent nothing:" "$folder/found"
        sent=$((sent + now)) round=$((round + 1))
        # Those are the same in every round.
        phases=fuzzing,stateful
    done
    echo "schemathesis: $sent cases with seeds from $seed, no contradiction"
}

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
install_tools
$cargo build --locked --profile "$profile" --bin instrument-registry
binary=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/instrument-registry

# A conflict stays pending only under this strategy. The examples are sent under the default one.
start_service INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY=fail_on_conflict
"$python" tests/api/examples.py conflict "$url" "$key"
stop_service
start_service
if [ -n "${API_RECORD:-}" ]; then
    "$python" tests/api/examples.py record "$url" "$key" src/http/openapi/examples.json
    exit
fi
"$python" tests/api/examples.py send "$url" "$key" "$folder/openapi.json"
"$tools/openapi-spec-validator" "$folder/openapi.json" >"$folder/valid" 2>&1 || fail "the document is invalid:" "$folder/valid"
test_client
fuzz
# A service that was killed by a request would have been found by its answer; one that ended afterwards is found here.
kill -0 "$service" 2>/dev/null || fail "the service ended:" "$folder/log"
