#!/usr/bin/env bash
# The stack that a pushed git tag <system>/<version> releases, as the step output `stacks`, and the `version`:
# tagged.sh DEFAULT_BRANCH ENVIRONMENT
set -euo pipefail
if ! git merge-base --is-ancestor "$GITHUB_SHA" "origin/$1"; then
  echo "::error::$GITHUB_REF_NAME is not on $1: what is not merged is not released."
  exit 1
fi
.github/scripts/affected.sh --stack "${GITHUB_REF_NAME%%/*}.$2"
echo "version=${GITHUB_REF_NAME#*/}" >>"$GITHUB_OUTPUT"
