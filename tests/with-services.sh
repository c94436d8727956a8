#!/usr/bin/env bash
# Starts a private PostgreSQL and a private Redis, and runs a command with their URLs in REGISTRY_TEST_DATABASE_URL and
# REGISTRY_TEST_REDIS_URL. If one of these variables is already set, that server is used instead.
# REGISTRY_TEST_POSTGRES_OPTIONS sets options of the private PostgreSQL. Tests that kill or freeze a server start their own one,
# so the server programs are always required; missing ones are installed with the package manager. The script sets
# REGISTRY_TEST_STRICT, with which a test fails if it cannot get a server. All started processes are stopped at the end, even
# after a failure or a signal. The exit code is that of the command.
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

# Prints a message and the content of these logs, and exits with 1.
fail() {
    echo "$0: $1" >&2
    shift
    cat "$@" >&2 2>/dev/null || true
    exit 1
}

# Starts a command in its own process group, so that this script alone receives signals from the terminal.
in_background() {
    set -m
    "$@" <&0 &
    started=$!
    set +m
}

# Waits up to five seconds for the rest of a process group to exit, then kills it. A frozen process cannot exit, so it is resumed.
end_group() {
    for _ in $(seq 100); do
        kill -s CONT -- "-$1" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -s KILL -- "-$1" 2>/dev/null || true
}

# Forwards a signal to the command's process group. `run` then waits until the command exits.
forward_signal() {
    [ -n "$command" ] || exit $((128 + $2))
    interrupted=1
    kill -s "$1" -- "-$command" 2>/dev/null || true
}

# Runs the command and returns its exit code. Its input is not a terminal, because a background process that reads from a
# terminal is stopped.
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

# PostgreSQL does not run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Installs Debian packages: as root, or with sudo if it does not require a password. The packages would start services that
# keep running after the tests, so a policy prevents service starts during the installation.
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

# The commands of the documents use curl and jq; openssl makes the certificates of the tests of TLS.
find_clients() {
    command -v curl >/dev/null && command -v jq >/dev/null && command -v openssl >/dev/null
}

# Tests check the alerts and dashboards with them. Both are in one package.
find_prometheus() {
    command -v promtool >/dev/null && command -v prometheus >/dev/null
}

# Prints a free port outside the range that the system uses for outgoing connections.
free_port() {
    local port
    while port=$((10000 + RANDOM % 20000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

start_postgres() {
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_postgres "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 ||
        fail "failed to create a PostgreSQL data directory in $folder:" "$folder/log"
    for _ in 1 2 3 4 5; do
        local port
        port=$(free_port)
        if as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w \
            -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=200 ${REGISTRY_TEST_POSTGRES_OPTIONS:-}" start >"$folder/log" 2>&1; then
            export REGISTRY_TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    fail "failed to start PostgreSQL:" "$folder/log" "$folder/server.log"
}

# Succeeds if the Redis at this port is the one that this script started, not another one that already used the port.
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
    fail "failed to start Redis:" "$folder/redis.log"
}

trap finish EXIT
trap 'forward_signal HUP 1' HUP
trap 'forward_signal INT 2' INT
trap 'forward_signal TERM 15' TERM
find_postgres || { install postgresql && find_postgres; } || fail "failed to install PostgreSQL; install initdb and pg_ctl with the package manager"
find_redis || { install redis-server && find_redis; } || fail "failed to install Redis; install redis-server and redis-cli with the package manager"
find_clients || { install curl jq openssl && find_clients; } || fail "failed to install curl, jq and openssl; install them with the package manager"
find_prometheus || { install prometheus && find_prometheus; } || fail "failed to install Prometheus; install prometheus and promtool with the package manager"
[ -n "${REGISTRY_TEST_DATABASE_URL:-}" ] || start_postgres
[ -n "${REGISTRY_TEST_REDIS_URL:-}" ] || start_redis
export REGISTRY_TEST_STRICT=${REGISTRY_TEST_STRICT:-1}
run "$@"
