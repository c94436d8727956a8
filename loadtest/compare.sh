#!/usr/bin/env bash
# Builds the service, the load generator and the yardstick for release, and measures the one beside the other on private
# servers; the arguments are the comparison's (--rounds, --seconds, --only, --json). Where $REGISTRY_SHARED/anchors/naive-axum
# is there, that is what the service is measured against, and the yardstick is held against it too. The other side shares
# nothing with replicas, so the service does neither, unless COMPARE_REDIS is set.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo=${CARGO:-cargo}

# Each for itself: built together, the service would be given the features that the others' libraries are built with.
"$cargo" build --locked --release --bin instrument-registry
"$cargo" build --locked --release -p registry-loadtest
"$cargo" build --locked --release -p registry-yardstick
"$cargo" build --locked --release -p registry-compare

anchor=()
source=${REGISTRY_SHARED:-}/anchors/naive-axum
if [ -n "${REGISTRY_SHARED:-}" ] && [ -f "$source/Cargo.toml" ]; then
    # Its folder is only read: what Cargo writes goes elsewhere, also where there is no lock file yet.
    mkdir -p "$target/anchor"
    cp -R "$source/." "$target/anchor"
    CARGO_TARGET_DIR=$target "$cargo" build --release --manifest-path "$target/anchor/Cargo.toml"
    anchor=(--anchor "$target/release/naive-axum")
else
    echo "skipped: \$REGISTRY_SHARED/anchors/naive-axum is not there, the yardstick takes its place" >&2
fi

# The servers' addresses are known to the inner shell alone.
exec tests/with-services.sh sh -c \
    'exec "$@" --database-url "$REGISTRY_TEST_DATABASE_URL" ${COMPARE_REDIS:+--redis-url "$REGISTRY_TEST_REDIS_URL"}' compare \
    "$target/release/compare" --registry "$target/release/instrument-registry" --loadtest "$target/release/loadtest" \
    --yardstick "$target/release/yardstick" ${anchor[@]+"${anchor[@]}"} "$@"
