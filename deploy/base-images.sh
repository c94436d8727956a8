#!/usr/bin/env bash
# Makes the base images that the Dockerfile and the stack name, under the same tags, where no registry gives them: of Debian's
# packages, and of this machine's own Rust toolchain. They are for trying things out; what is published is built on the real
# ones. Needs root, Docker and debootstrap.
set -euo pipefail

debian=${BASE_SUITE:-bookworm}
mirror=${BASE_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Whether the registry answers, which is asked once.
reachable=
registry() {
    if [ -z "$reachable" ]; then
        curl --silent --output /dev/null --max-time 5 https://registry-1.docker.io/v2/ && reachable=yes || reachable=no
    fi
    [ "$reachable" = yes ]
}

# Whether the image is there already, or the registry gives it. One that was made here gives way to the registry's.
given() {
    local made
    if made=$(docker image inspect --format '{{index .Config.Labels "instrument-registry.base"}}' "$1" 2>/dev/null); then
        [ "$made" = made-here ] && registry || return 0
    fi
    registry && docker pull --quiet "$1" >/dev/null
}

# A folder of Debian's smallest system with these packages more.
bootstrap() {
    local folder=$1 packages=$2
    debootstrap --variant=minbase ${packages:+--include="$packages"} "$debian" "$folder" "$mirror" >"$work/log" 2>&1 || {
        tail -5 "$work/log" >&2
        return 1
    }
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/* "$folder"/usr/share/{doc,man,locale}/*
}

# Imports a folder as an image, with these changes to its settings.
import() {
    local folder=$1 tag=$2
    shift 2
    local changes=(--change 'LABEL instrument-registry.base=made-here')
    for change in "$@"; do changes+=(--change "$change"); done
    tar -C "$folder" -c . | docker import ${changes[@]+"${changes[@]}"} - "$tag" >/dev/null
    rm -rf "$folder"
    echo "made $tag of Debian's packages"
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
    # What this machine trusts on its way to the registry of crates.
    cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$work/rust/etc/ssl/certs/ca-certificates.crt"
    import "$work/rust" rust:1.95-slim-bookworm \
        'ENV PATH=/usr/local/cargo/bin:/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        'ENV CARGO_HOME=/usr/local/cargo' 'CMD ["bash"]'
fi

if ! given postgres:15-bookworm; then
    bootstrap "$work/postgres" postgresql-15
    # What the stack uses of the real one's start: a superuser and its password, and scripts at the first start.
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
