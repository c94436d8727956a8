#!/usr/bin/env bash
# Subscribes plans of full capacity at simulated feeds with the Python client and the official SDKs of Kite, Upstox,
# Dhan and Angel One, applies the schedules to two other plans and drops a connection. It checks that exactly the
# instruments of a plan tick in their modes, and that no limit is exceeded. Only local addresses are used. The SDKs
# are installed in the target folder, in the versions of tests/sdk/requirements.txt. The files of the brokers are read
# from REGISTRY_SHARED (default ../shared); without them the test is skipped, or fails if REGISTRY_TEST_STRICT is set.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-dev}
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
# The time limit of the test. It usually takes two to four minutes.
seconds=600

# Installs the SDKs if their list has changed.
install_sdks() {
    local folder=$target/sdk-test
    python=$folder/venv/bin/python
    cmp -s tests/sdk/requirements.txt "$folder/installed" && [ -x "$python" ] && return
    rm -rf "$folder"
    mkdir -p "$folder"
    python3 -m venv "$folder/venv" >&2
    "$python" -m pip install --quiet --disable-pip-version-check --requirement tests/sdk/requirements.txt >&2
    cp tests/sdk/requirements.txt "$folder/installed"
}

install_sdks
$cargo build --locked --profile "$profile" --bin instrument-registry
PYTHONPATH=$PWD/clients/python timeout "$seconds" "$python" tests/sdk/test_sdks.py "$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/instrument-registry"
