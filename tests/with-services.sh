#!/usr/bin/env bash
# Runs a command with a private PostgreSQL beside it, named in REGISTRY_TEST_DATABASE_URL, and with redis-server on the
# PATH, which the tests start for themselves. What is missing is installed through the package manager. A server that
# REGISTRY_TEST_DATABASE_URL names already is used instead. Everything started here is stopped at the end, also after a
# failure.
set -euo pipefail

folder=
finish() {
    if [ -n "$folder" ]; then
        as_postgres "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
        rm -rf "$folder"
    fi
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Installs Debian packages: as root, or through sudo where it asks for nothing.
install() {
    echo "installing $*" >&2
    local root=
    [ "$(id -u)" = 0 ] || root="sudo -n"
    { $root apt-get update && DEBIAN_FRONTEND=noninteractive $root apt-get install -y --no-install-recommends "$@"; } >&2
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
    folder=$(mktemp -d)
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_postgres "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C >"$folder/log" 2>&1
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

trap finish EXIT
command -v redis-server >/dev/null || install redis-server
[ -n "${REGISTRY_TEST_DATABASE_URL:-}" ] || start_postgres
"$@"
