#!/usr/bin/env bash
# Builds substitutes for the base images of the Dockerfile and the stack, under the same tags, if the image registry cannot be
# reached. They consist of Debian packages and this machine's own Rust toolchain. Use them for local tests only; build published
# images on the real base images. Requires root, Docker and debootstrap.
set -euo pipefail

debian=${BASE_SUITE:-bookworm}
mirror=${BASE_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Succeeds if the image registry can be reached. Checks it only once.
reachable=
registry() {
    if [ -z "$reachable" ]; then
        curl --silent --output /dev/null --max-time 5 https://registry-1.docker.io/v2/ && reachable=yes || reachable=no
    fi
    [ "$reachable" = yes ]
}

# Succeeds if the image exists locally or can be pulled. A pulled image replaces a substitute that this script built.
given() {
    local made
    if made=$(docker image inspect --format '{{index .Config.Labels "instrument-registry.base"}}' "$1" 2>/dev/null); then
        [ "$made" = made-here ] && registry || return 0
    fi
    registry && docker pull --quiet "$1" >/dev/null
}

# Creates a folder with a minimal Debian system and these additional packages.
bootstrap() {
    local folder=$1 packages=$2
    debootstrap --variant=minbase ${packages:+--include="$packages"} "$debian" "$folder" "$mirror" >"$work/log" 2>&1 || {
        tail -5 "$work/log" >&2
        return 1
    }
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/* "$folder"/usr/share/{doc,man,locale}/*
}

# Imports a folder as an image and applies these changes to the image's configuration.
import() {
    local folder=$1 tag=$2
    shift 2
    local changes=(--change 'LABEL instrument-registry.base=made-here')
    for change in "$@"; do changes+=(--change "$change"); done
    tar -C "$folder" -c . | docker import ${changes[@]+"${changes[@]}"} - "$tag" >/dev/null
    rm -rf "$folder"
    echo "created $tag from Debian packages"
}

path='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

if ! given debian:bookworm-slim; then
    bootstrap "$work/slim" ''
    import "$work/slim" debian:bookworm-slim "$path" 'CMD ["bash"]'
fi

if ! given rust:1.95-slim-bookworm; then
    bootstrap "$work/rust" gcc,libc6-dev,ca-certificates
    toolchain=$(rustc --print sysroot)
    mkdir -p "$work/rust/usr/local/rust" "$work/rust/usr/local/cargo"
    cp -a "$toolchain"/{bin,lib} "$work/rust/usr/local/rust/"
    rm -rf "$work/rust/usr/local/rust/share"
    # The CA certificates that this machine uses to reach the crate registry.
    cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/rust/etc/ssl/certs/ca-certificates.crt"
    import "$work/rust" rust:1.95-slim-bookworm \
        'ENV PATH=/usr/local/cargo/bin:/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV CARGO_HOME=/usr/local/cargo' 'CMD ["bash"]'
fi

if ! given postgres:15-bookworm; then
    bootstrap "$work/postgres" postgresql-15
    # The subset of the real entry point that the stack needs: a superuser with a password, and init scripts at the first start.
    cat >"$work/postgres/usr/local/bin/docker-entrypoint.sh" <<'START'
#!/bin/bash
set -e
bin=/usr/lib/postgresql/15/bin
export PGDATA=${PGDATA:-/var/lib/postgresql/data}
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
export PATH=$bin:$PATH
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username=postgres --auth-local=trust --auth-host=scram-sha-256 --pwfile=<(echo "$POSTGRES_PASSWORD") >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=''" start >/dev/null
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) POSTGRES_USER=postgres . "$script" ;;
            *.sql) psql --username=postgres --set=ON_ERROR_STOP=1 --file="$script" ;;
        esac
    done
    pg_ctl --wait stop >/dev/null
fi
exec postgres -c listen_addresses='*'
START
    chmod +x "$work/postgres/usr/local/bin/docker-entrypoint.sh"
    rm -rf "$work/postgres/var/lib/postgresql/15" "$work/postgres/etc/postgresql"
    import "$work/postgres" postgres:15-bookworm \
        'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENTRYPOINT ["docker-entrypoint.sh"]'
fi

if ! given redis:7-bookworm; then
    bootstrap "$work/redis" redis-server
    import "$work/redis" redis:7-bookworm "$path" 'ENTRYPOINT ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"]'
fi
