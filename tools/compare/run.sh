#!/usr/bin/env bash
# Builds release binaries of the service, the load generator and the yardstick, and compares the service with the yardstick on
# private servers. Passes its arguments to `compare` (--rounds, --seconds, --only, --json). If $REGISTRY_SHARED/anchors/naive-axum
# exists, the service is compared with that program instead, and the yardstick is compared with it too. The service runs
# without a shared cache, because the yardstick has none; set COMPARE_REDIS to give the service a Redis.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
cargo=${CARGO:-cargo}

# Separate builds: in a single build, Cargo unifies features, and the service would get features that only the others need.
"$cargo" build --locked --release --bin instrument-registry
"$cargo" build --locked --release -p registry-loadtest
"$cargo" build --locked --release -p registry-yardstick
"$cargo" build --locked --release -p registry-compare

anchor=()
source=${REGISTRY_SHARED:-}/anchors/naive-axum
if [ -n "${REGISTRY_SHARED:-}" ] && [ -f "$source/Cargo.toml" ]; then
    # Builds a copy, because the original folder is read-only and Cargo may have to write a lock file.
    mkdir -p "$target/anchor"
    cp -R "$source/." "$target/anchor"
    CARGO_TARGET_DIR=$target "$cargo" build --release --manifest-path "$target/anchor/Cargo.toml"
    anchor=(--anchor "$target/release/naive-axum")
else
    echo "skipped: comparison with \$REGISTRY_SHARED/anchors/naive-axum, because it does not exist; using the yardstick instead" >&2
fi

# Only the inner shell has the addresses of the private servers.
exec tests/with-services.sh sh -c \
    'exec "$@" --database-url "$REGISTRY_TEST_DATABASE_URL" ${COMPARE_REDIS:+--redis-url "$REGISTRY_TEST_REDIS_URL"}' compare \
    "$target/release/compare" --registry "$target/release/instrument-registry" --loadtest "$target/release/loadtest" \
    --yardstick "$target/release/yardstick" ${anchor[@]+"${anchor[@]}"} "$@"
