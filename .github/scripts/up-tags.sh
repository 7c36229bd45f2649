#!/usr/bin/env bash
# Release the components of this commit: up-tags.sh STACK
# In the environment: COMPONENTS (JSON list) and GITHUB_SHA. Components that are not named keep their tags.
set -euo pipefail
stack=$1
python -m ops.unlock "$stack"
for component in $(jq --raw-output '.[]' <<<"$COMPONENTS"); do
  pulumi config set --stack "$stack" --path "tags.$component" -- "$component-stage-${GITHUB_SHA:0:8}"
done
exec pulumi up --stack "$stack" --yes --non-interactive --color never
