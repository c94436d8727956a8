#!/usr/bin/env bash
# Tests the dashboard in headless Chromium against the real service with a Redis of its own, or takes the pictures of the
# documents: dashboard-test.sh [test | screenshots]. Only local addresses are used. The Node packages are installed in the target
# folder, in the versions of tests/dashboard/package.json. Node, Chromium and Redis are installed with apt-get if they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-dev}
cargo=${CARGO:-cargo}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# The time limit of a run. The test usually takes two minutes, the pictures four.
seconds=900

# Installs Debian packages: as root, or with sudo if it does not require a password.
install_missing() {
    local missing=() program
    for program in node:nodejs npm:npm chromium:chromium redis-server:redis-server; do
        command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
    done
    [ ${#missing[@]} != 0 ] || return 0
    local root=
    [ "$(id -u)" = 0 ] || root="sudo -n"
    { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >&2
}

# Installs the packages if their list has changed.
install_packages() {
    local folder=$target/dashboard-test
    export DASHBOARD_MODULES=$folder/
    cmp -s tests/dashboard/package.json "$folder/installed" && return
    rm -rf "$folder"
    mkdir -p "$folder"
    cp tests/dashboard/package.json "$folder/package.json"
    npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --silent >&2
    cp tests/dashboard/package.json "$folder/installed"
}

install_missing
install_packages
$cargo build --locked --profile "$profile" --bin instrument-registry
DASHBOARD_BINARY=${DASHBOARD_BINARY:-$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/instrument-registry}
export DASHBOARD_BINARY
case ${1:-test} in
    test) timeout "$seconds" node --test --test-concurrency=1 tests/dashboard/dashboard.test.mjs ;;
    screenshots) timeout "$seconds" node tests/dashboard/screenshots.mjs docs/images ;;
    *) echo "usage: $0 [test | screenshots]" >&2; exit 64 ;;
esac
