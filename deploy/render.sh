#!/usr/bin/env bash
# Prints the platform's compose file with this service's part in it, as the platform has it: the part's services below the
# platform's. The argument is the platform's file; its least where none is given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cat "${1:-$here/platform.example.yml}"
sed '1,/^services:$/d' "$here/docker-compose.production.yml"
