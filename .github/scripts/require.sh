#!/usr/bin/env bash
# Fail with one clear sentence when a variable that the repository or environment should define is empty: require.sh NAME...
set -euo pipefail
declare -A setting=(
  [PULUMI_BACKEND_URL]="the variable PULUMI_BACKEND_URL (where the state lies)"
  [ROLE]="the variable RELEASE_ROLE of the environment, or PREVIEW_ROLE of the repository (the role to assume)"
)
for name in "$@"; do
  if [[ -z "${!name:-}" ]]; then
    echo "::error::${setting[$name]:-$name} is not set: docs/real-account.md says which variables a repository needs"
    exit 1
  fi
done
