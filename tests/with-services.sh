#!/usr/bin/env bash
# Runs a command with a private PostgreSQL and a private Redis beside it, named in REGISTRY_TEST_DATABASE_URL and
# REGISTRY_TEST_REDIS_URL. A server that one of them names already is used instead; REGISTRY_TEST_POSTGRES_OPTIONS are options
# of the private one. Servers that a test kills or freezes it starts for itself, so the programs are needed either way; what
# is missing is installed through the package manager. With REGISTRY_TEST_STRICT, which is set here, a test that misses a
# server fails. Everything started here is stopped at the end, also after a failure or a signal. The exit code is the
# command's.
set -euo pipefail

folder=$(mktemp -d)
redis=
command=
finish() {
    [ -z "$command" ] || end_group "$command"
    [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
    [ ! -d "$folder/data" ] || as_postgres "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}

# Ends with a sentence and what these logs say.
fail() {
    echo "$0: $1" >&2
    shift
    cat "$@" >&2 2>/dev/null || true
    exit 1
}

# Starts a command in a process group of its own, so that a signal from the terminal does not reach it past this script.
in_background() {
    set -m
    "$@" <&0 &
    started=$!
    set +m
}

# What is left of a group gets five seconds to end, for which it must not be frozen.
end_group() {
    for _ in $(seq 100); do
        kill -s CONT -- "-$1" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -s KILL -- "-$1" 2>/dev/null || true
}

# Hands a signal on to all of the command, whose end is then waited for.
hand_on() {
    [ -n "$command" ] || exit $((128 + $2))
    interrupted=1
    kill -s "$1" -- "-$command" 2>/dev/null || true
}

# Runs the command and gives its exit code. In the background, reading from a terminal would stop it.
run() {
    [ ! -t 0 ] || exec </dev/null
    in_background "$@"
    command=$started
    local status=0
    interrupted=1
    while [ -n "$interrupted" ]; do
        interrupted=
        wait "$command" && status=0 || status=$?
    done
    return "$status"
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Installs Debian packages: as root, or through sudo where it asks for nothing. The packages start services of their own,
# which nobody wants here and which would outlive the tests: a policy forbids it while they are installed.
install() {
    echo "installing $*" >&2
    local root= policy=/usr/sbin/policy-rc.d made=
    [ "$(id -u)" = 0 ] || root="sudo -n"
    if [ ! -e "$policy" ]; then
        made=1
        printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null && $root chmod +x "$policy"
    fi
    local status=0
    { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >&2 ||
        status=$?
    [ -z "$made" ] || $root rm -f "$policy"
    return "$status"
}

find_postgres() {
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
    [ -n "$bin" ] || { command -v initdb >/dev/null && bin=$(dirname "$(readlink -f "$(command -v initdb)")"); } || true
    [ -n "$bin" ] && [ -x "$bin/initdb" ]
}

find_redis() {
    command -v redis-server >/dev/null && command -v redis-cli >/dev/null
}

# A port that nobody listens on, and none of those that the system gives to outgoing connections.
free_port() {
    local port
    while port=$((10000 + RANDOM % 20000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

start_postgres() {
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_postgres "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 ||
        fail "no database could be made in $folder:" "$folder/log"
    for _ in 1 2 3 4 5; do
        local port
        port=$(free_port)
        if as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w \
            -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=200 ${REGISTRY_TEST_POSTGRES_OPTIONS:-}" start >"$folder/log" 2>&1; then
            export REGISTRY_TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    fail "PostgreSQL could not be started:" "$folder/log" "$folder/server.log"
}

# Whether it is our Redis that answers at this port: another one may have had it before.
redis_answers() {
    redis-cli -p "$1" info server 2>/dev/null | tr -d '\r' | grep -qx "process_id:$redis"
}

start_redis() {
    for _ in 1 2 3 4 5; do
        local port
        port=$(free_port)
        in_background redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --dir / >"$folder/redis.log" 2>&1
        redis=$started
        for _ in $(seq 100); do
            if redis_answers "$port"; then
                export REGISTRY_TEST_REDIS_URL="redis://127.0.0.1:$port"
                return
            fi
            kill -0 "$redis" 2>/dev/null || break
            sleep 0.05
        done
        kill "$redis" 2>/dev/null || true
        redis=
    done
    fail "Redis could not be started:" "$folder/redis.log"
}

trap finish EXIT
trap 'hand_on HUP 1' HUP
trap 'hand_on INT 2' INT
trap 'hand_on TERM 15' TERM
find_postgres || { install postgresql && find_postgres; } || fail "PostgreSQL is not installed and could not be"
find_redis || { install redis-server && find_redis; } || fail "Redis is not installed and could not be"
[ -n "${REGISTRY_TEST_DATABASE_URL:-}" ] || start_postgres
[ -n "${REGISTRY_TEST_REDIS_URL:-}" ] || start_redis
export REGISTRY_TEST_STRICT=${REGISTRY_TEST_STRICT:-1}
run "$@"
