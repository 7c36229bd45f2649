#!/usr/bin/env bash
# Bring a stack up, or set it back: up.sh STACK
# In the environment: ACTION (up, rollback), TAG (empty: keep what is released, or go to the last verified release), and for a push
# PUSHED=true with GITHUB_SHA, whose image is released, by the name VERSION if a git tag gave it one.
# The last command replaces this shell, so that a cancelled run's signal reaches it.
set -euo pipefail
stack=$1
python -m ops.unlock "$stack"
case "${ACTION:-up}" in
  up)
    tag=${TAG:-}
    if [[ "${PUSHED:-false}" == true ]]; then
      tag=$(python -m ops.build_image "$stack" --commit "$GITHUB_SHA" --version="${VERSION:-}" --tell)
    fi
    if [[ -n "$tag" ]]; then
      pulumi config set --stack "$stack" imageTag -- "$tag"
    fi
    exec pulumi up --stack "$stack" --yes --non-interactive --color never
    ;;
  rollback)
    exec python -m ops.rollback "$stack" ${TAG:+--tag="$TAG"}
    ;;
  *)
    echo "::error::ACTION is '${ACTION}': it is up or rollback"
    exit 2
    ;;
esac
