#!/usr/bin/env bash
# The stacks of a run, as the step output `stacks`: affected.sh <arguments of ops.affected>
set -euo pipefail
stacks=$(python -m ops.affected "$@")
echo "stacks: $stacks"
echo "stacks=$stacks" >>"$GITHUB_OUTPUT"
