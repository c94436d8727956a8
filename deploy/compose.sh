#!/usr/bin/env bash
# Runs docker-compose for the stack with its passwords and API key: `deploy/compose.sh up --detach`. STACK sets the name of the
# compose project (default: registry).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/prepare.sh"
set -a
. "$here/.run/env"
set +a
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Newer clients need the buildx plugin to build. Debian's client does not, so prefer it if the plugin is missing.
docker buildx version >/dev/null 2>&1 || [ ! -x /usr/bin/docker ] || PATH=/usr/bin:$PATH
exec docker-compose --project-name "${STACK:-registry}" --file "$here/compose.yaml" "$@"
