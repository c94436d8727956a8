#!/usr/bin/env bash
# Runs thirteen checks against the running stack (`make up`). Stops and pauses the stack's own PostgreSQL, Redis and config
# service for some seconds. Requires curl, jq and docker-compose. Exits with 1 if a check fails.
set -uo pipefail
cd "$(dirname "$0")"
set -a
. .run/env
set +a
# The environment has precedence over the file.
[ -n "${PORT_INSTRUMENT_REGISTRY:-}" ] || . ./.env.ports
export PORT_INSTRUMENT_REGISTRY

origin=http://localhost:$PORT_INSTRUMENT_REGISTRY
base=$origin/api/v1/internal/instrument-registry
# In a file, because every user of the machine can read the arguments of a process.
keyfile=$(mktemp)
printf 'X-Internal-API-Key: %s' "$INTERNAL_API_KEY" >"$keyfile"
key=(-H "@$keyfile")
json=(-H 'Content-Type: application/json')
failed=0 number=0 why= slow_id=readiness-$RANDOM$RANDOM

# Resumes everything that a check stopped, even after an interruption.
finish() {
    rm -f "$keyfile"
    [ -z "$(compose ps --quiet 2>/dev/null)" ] || {
        compose unpause postgres
        compose start postgres redis config-service
    } >/dev/null 2>&1
}
trap finish EXIT

compose() { ./compose.sh "$@"; }
psql() { compose exec -T postgres psql --username=postgres --dbname=registry --no-align --tuples-only --command="$1"; }
get() { curl -sS --max-time 20 "${key[@]}" "$@"; }
status() { curl -sS --max-time 20 --output /dev/null --write-out '%{http_code}' "$@"; }
# Prints the body of a plan request: name, instruments as JSON, additional fields.
body() { printf '{"plan_name": "%s", "subscription_type": "live_feed", "instruments": %s%s}' "$1" "$2" "${3:+, $3}"; }
plan() { get "${json[@]}" "$base/subscriptions/plan?user_id=$1" --data "$2"; }
unique() { echo "readiness-$$-$RANDOM$RANDOM"; }
# Fails the check if the first argument differs from the second, and reports both.
expect() { [ "$1" = "$2" ] || { why="expected $2, got $1"; return 1; }; }
# Stops, starts, pauses or unpauses a service. Fails the check if docker-compose fails.
does() { compose "$@" >/dev/null 2>&1 || { why="docker-compose $* failed"; return 1; }; }
# Waits until /ready reports this status for a dependency.
until_check() {
    for _ in $(seq 150); do
        [ "$(get "$origin/ready" | jq -r ".checks.$1.status")" = "$2" ] && return 0
        sleep 0.2
    done
    why="/ready: expected status $2 of $1 within 30 s"
    return 1
}
until_ready() { for _ in $(seq 150); do [ "$(status "$origin/ready")" = 200 ] && return 0; sleep 0.2; done; why="/ready: expected 200 within 30 s"; return 1; }

config_service() {
    local config wanted
    config=$(get "$base/subscriptions/planner/config") || return 1
    wanted=$(jq -r .INSTRUMENT_REGISTRY_PLAN_CACHE_TTL .run/settings.json)
    expect "$(jq -r .configuration.INSTRUMENT_REGISTRY_PLAN_CACHE_TTL <<<"$config")" "$wanted" &&
        expect "$(jq -r .sources.INSTRUMENT_REGISTRY_PLAN_CACHE_TTL <<<"$config")" config_service
}

schema_boundary() {
    expect "$(psql "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
                    where r.rolname = 'registry' and n.nspname not in ('instrument_registry', 'pg_toast')")" 0 &&
        expect "$(psql "select has_schema_privilege('registry', 'public', 'create') or has_database_privilege('registry', 'registry', 'create')
                        or rolsuper or rolcreatedb or rolcreaterole from pg_roles where rolname = 'registry'")" f &&
        expect "$(psql "select count(*) >= 5 from pg_tables where schemaname = 'instrument_registry'")" t
}

auth() {
    local path=$base/subscriptions/planner/config
    expect "$(status "$path") $(status "$path" -H 'X-Internal-API-Key: wrong') $(status "$path" "${key[@]}")" "401 401 200" &&
        expect "$(status "$origin/health")" 200
}

metrics() {
    local series=instrument_registry_subscription_plan_descriptions_generated_total before after id
    count() { get "$origin/metrics" | awk -v s="$series" 'index($1, s) == 1 && /description_level="basic"/ && /status="success"/ {print $2}'; }
    before=$(count)
    id=$(plan "$(unique)" "$(body m '["NSE:TCS"]')" | jq -r .plan_id)
    get "${json[@]}" "$base/subscriptions/plan/$id/describe" --data '{"description_level": "basic"}' >/dev/null
    after=$(count)
    expect "$((after - before))" 1
}

health() {
    expect "$(get "$origin/health" | jq -r '.status + " " + .service')" "healthy instrument_registry" &&
        expect "$(get "$origin/ready" | jq -r '.status + " " + .checks.database.status + " " + .checks.redis.status')" "ready ok ok"
}

errors() {
    local path="$base/subscriptions/plan?user_id=u"
    expect "$(status "${key[@]}" "${json[@]}" "$path" --data '{') $(status "${key[@]}" "${json[@]}" "$path" --data '{}') $(
        status "${key[@]}" "$base/nothing") $(status "${key[@]}" -X PUT "$path")" "400 422 404 405" &&
        expect "$(get "${json[@]}" "$path" --data '{}' | jq -r '.code + " " + (.errors | length | tostring)')" "validation_failed 3"
}

timeouts() {
    local limit started took code
    limit=$(jq -r .INSTRUMENT_REGISTRY_PLANNER_TIMEOUT .run/settings.json)
    does pause postgres || return 1
    started=$(date +%s)
    code=$(status "${key[@]}" "${json[@]}" -H "X-Correlation-ID: $slow_id" "$base/subscriptions/plan?user_id=$(unique)" --data "$(body t '["NSE:TCS"]')")
    took=$(($(date +%s) - started))
    does unpause postgres || return 1
    until_ready
    [[ $code = 503 || $code = 504 ]] || { why="plan request without a database: expected 503 or 504, got $code"; return 1; }
    [ "$took" -le $((limit + 2)) ] || { why="plan request without a database: expected a response within $((limit + 2)) s, got it after $took s"; return 1; }
}

# Waits until new plans are created. After an outage the circuit breaker needs a moment to close.
until_planned() {
    for _ in $(seq 50); do
        [ "$(status "${key[@]}" "${json[@]}" "$base/subscriptions/plan?user_id=$(unique)" --data "$(body p '["NSE:TCS"]')")" = 200 ] && return 0
        sleep 0.2
    done
    why="no plan was created within 10 s"
    return 1
}

caching() {
    until_planned || return 1
    local user first second
    user=$(unique)
    first=$(plan "$user" "$(body c '["NSE:TCS", "NSE:INFY"]')")
    second=$(plan "$user" "$(body c '["NSE:INFY", "NSE:TCS"]')")
    expect "$(jq -r .status <<<"$first") $(jq -r .status <<<"$second")" "created cached" &&
        expect "$(jq -r .plan_id <<<"$second")" "$(jq -r .plan_id <<<"$first")" &&
        expect "$(compose exec -T redis redis-cli get "instrument_registry:plan:1:$(jq -r .plan_data.cache_key <<<"$first")")" \
            "$(jq -r .plan_id <<<"$first")"
}

levels() {
    local found=
    for level in low moderate aggressive; do
        found+="$(plan "$(unique)" "$(body l '["NSE:TCS", "BSE:TCS", "NSE:TCS"]' "\"optimization_level\": \"$level\"")" |
            jq -r '.plan_data | .validation_results.optimization_applied + "/" + (.instruments | length | tostring)') "
    done
    expect "${found% }" "simple_truncation/2 dedup_and_sort/2 advanced_exchange_prioritization/1"
}

strictness() {
    local found=
    for level in lenient moderate strict; do
        found+="$(plan "$(unique)" "$(body s '["NSE:TCS", "NSE:NOSUCHTHING", "nonsense"]' "\"filtering_strictness\": \"$level\"")" |
            jq -r '.plan_data | (.instruments | length | tostring) + "/" + (.rejected | map(.reason) | sort | join("+"))') "
    done
    expect "${found% }" "2/malformed 1/malformed+unknown 1/malformed+unknown"
}

# Checks the rendered part of the platform's file, and the running container.
conformity() {
    local folder rendered id
    folder=$(mktemp -d)
    ./render.sh >"$folder/docker-compose.production.yml"
    cp .env.ports "$folder/"
    # Clients format numbers and durations in one of two ways, so each pattern accepts both.
    rendered=$(cd "$folder" && PORT_INSTRUMENT_REGISTRY= docker-compose --file docker-compose.production.yml config 2>&1 |
        awk '/^services:/ {inside = 1; next} /^[a-z]/ {inside = 0} inside && /^  [^ ]/ {name = $1} inside && name == "instrument-registry:"')
    rm -rf "$folder"
    for pattern in 'container_name: sb-instrument-registry-prod' 'image: stocksblitz-instrument-registry:latest' \
        'mem_limit: .?(384m|402653184)' 'mem_reservation: .?(256m|268435456)' 'cpus: 0\.75' 'restart: unless-stopped' \
        '127\.0\.0\.1:8901:8901/tcp|published: .8901' 'interval: 30s' 'timeout: 10s' 'retries: 3' 'start_period: 40s' \
        'dockerfile: instrument_registry/Dockerfile' 'redis:' 'config-service:' 'stocksblitz-postgres:' 'service_healthy' \
        'stocksblitz-prod' 'CONFIG_SERVICE_URL: ' 'PORT: .8901' 'curl' 'http://localhost:8901/health'; do
        grep -qE -- "$pattern" <<<"$rendered" || { why="rendered service: expected a match of \`$pattern\`"; return 1; }
    done
    ! grep -q 'volumes:' <<<"$rendered" || { why="rendered service: expected no volumes"; return 1; }
    id=$(compose ps -q instrument-registry)
    expect "$(docker inspect --format '{{.HostConfig.Memory}} {{.HostConfig.MemoryReservation}} {{.HostConfig.NanoCpus}} {{.HostConfig.ReadonlyRootfs}} {{.Config.User}} {{.State.Health.Status}} {{len .Mounts}}' "$id")" \
        "402653184 268435456 750000000 true 10001:10001 healthy 0"
}

# The plan request that failed while the database was paused must be in the log, with its correlation id.
correlation() {
    local line
    for _ in $(seq 50); do
        line=$(docker logs "$(compose ps -q instrument-registry)" 2>&1 | grep -F "$slow_id" | head -1)
        [ -z "$line" ] || break
        sleep 0.1
    done
    [ -n "$line" ] || { why="no log line contains the correlation id $slow_id"; return 1; }
    jq -e --arg id "$slow_id" '[.. | .correlation_id? // empty] | index($id)' <<<"$line" >/dev/null ||
        { why="expected $slow_id in the field correlation_id, got $line"; return 1; }
}

degradation() {
    local user known code retry
    user=$(unique)
    known=$(body d '["NSE:TCS"]')
    plan "$user" "$known" >/dev/null
    for service in redis config-service; do
        does stop "$service" && until_check "${service/-/_}" unavailable || return 1
        code=$(status "${key[@]}" "${json[@]}" "$base/subscriptions/plan?user_id=$(unique)" --data "$known")
        does start "$service" && expect "without $service $code" "without $service 200" && until_check "${service/-/_}" ok || return 1
    done
    does stop postgres || return 1
    code=$(status "${key[@]}" "${json[@]}" "$base/subscriptions/plan?user_id=$user" --data "$known")
    # A host that is gone does not reject connections: the first requests time out until the circuit breaker opens.
    for _ in $(seq 5); do
        retry=$(curl -sS --max-time 20 --output /dev/null --dump-header - "${key[@]}" "${json[@]}" "$base/subscriptions/plan?user_id=$(unique)" --data "$known" |
            awk 'NR == 1 {code = $2} tolower($1) == "retry-after:" {retry = $2 + 0} END {print code, (retry > 0 ? "later" : "never")}')
        [ "$retry" != "503 later" ] || break
    done
    does start postgres || return 1
    expect "known $code, new $retry" "known 200, new 503 later" && until_check database ok && until_planned
}

check() {
    number=$((number + 1)) why=
    if "$2"; then
        printf '%2d  %-44s ok\n' "$number" "$1"
    else
        failed=$((failed + 1))
        printf '%2d  %-44s FAILED  %s\n' "$number" "$1" "$why"
    fi
}

until_ready || { echo "stack not ready; start it with \`make up\`" >&2; exit 1; }
check "settings come from the config service" config_service
check "no objects outside the schema" schema_boundary
check "requests without an API key are rejected" auth
check "metrics count requests" metrics
check "health and readiness" health
check "errors have the documented status and code" errors
check "requests end within the timeout" timeouts
check "plans are cached and shared in Redis" caching
check "optimization levels" levels
check "strictness levels" strictness
check "compose service matches the specification" conformity
check "log lines have correlation ids" correlation
check "degraded service without each dependency" degradation
[ "$failed" = 0 ] || { echo "$failed of $number checks failed" >&2; exit 1; }
