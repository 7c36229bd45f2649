#!/usr/bin/env bash
# Tell the pull request that no preview could be made: comment-failure.sh STACK PULL_REQUEST
set -euo pipefail
python -m ops.preview_comment "$1" --pull-request "$2" \
  --failed "the set-up failed before the preview (tools, settings or the role): the run's log says where" || true
