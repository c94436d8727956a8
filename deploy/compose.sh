#!/usr/bin/env bash
# docker-compose for the stack, with its passwords and key: `deploy/compose.sh up --detach`. STACK names another than `registry`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/prepare.sh"
set -a
. "$here/.run/env"
set +a
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Newer clients build with a component of their own, which Debian's client has within it.
docker buildx version >/dev/null 2>&1 || [ ! -x /usr/bin/docker ] || PATH=/usr/bin:$PATH
exec docker-compose --project-name "${STACK:-registry}" --file "$here/compose.yaml" "$@"
