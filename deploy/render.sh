#!/usr/bin/env bash
# Prints the platform's compose file with this service's part inserted directly below the line `services:`. The argument is the
# platform's file (default: deploy/platform.example.yml).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
file=${1:-$here/platform.example.yml}
grep -q '^services:[[:space:]]*$' "$file" || { echo "$file has no line \`services:\`" >&2; exit 1; }
part=$(sed '1,/^services:$/d' "$here/docker-compose.production.yml")
awk -v part="$part" '{print} /^services:[[:space:]]*$/ {print part}' "$file"
