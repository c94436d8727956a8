#!/usr/bin/env bash
# Runs a command with a private PostgreSQL and a private Redis beside it, named in REGISTRY_TEST_DATABASE_URL and
# REGISTRY_TEST_REDIS_URL. A server that one of them names already is used instead. Servers that a test kills or freezes it
# starts for itself. What is missing is installed through the package manager. Everything started here is stopped at the
# end, also after a failure.
set -euo pipefail

folder=$(mktemp -d)
redis=
finish() {
    [ -z "$redis" ] || kill "$redis" 2>/dev/null || true
    [ ! -d "$folder/data" ] || as_postgres "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
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

# A port that nobody listens on; the system hands them out in turn, so it stays free for a moment.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null ||
        echo $((20000 + RANDOM % 10000))
}

start_postgres() {
    find_postgres || { install postgresql && find_postgres; }
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_postgres "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1
    for _ in 1 2 3 4 5; do
        local port
        port=$(free_port)
        if as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w \
            -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=200" start >/dev/null; then
            export REGISTRY_TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    cat "$folder/server.log" >&2
    return 1
}

start_redis() {
    for _ in 1 2 3 4 5; do
        local port
        port=$(free_port)
        redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --dir / >"$folder/redis.log" 2>&1 &
        redis=$!
        for _ in $(seq 100); do
            if redis-cli -p "$port" ping >/dev/null 2>&1; then
                export REGISTRY_TEST_REDIS_URL="redis://127.0.0.1:$port"
                return
            fi
            kill -0 "$redis" 2>/dev/null || break
            sleep 0.05
        done
        redis=
    done
    cat "$folder/redis.log" >&2
    return 1
}

trap finish EXIT
command -v redis-server >/dev/null || install redis-server
[ -n "${REGISTRY_TEST_DATABASE_URL:-}" ] || start_postgres
[ -n "${REGISTRY_TEST_REDIS_URL:-}" ] || start_redis
"$@"
