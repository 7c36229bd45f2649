#!/usr/bin/env bash
# Whether this commit is still the one to release, as the step output `current`: newest.sh STACK
set -euo pipefail
current=$(python -m ops.overtaken "$1" --commit "$GITHUB_SHA" --branch "$GITHUB_REF_NAME")
echo "$current" >>"$GITHUB_OUTPUT"
