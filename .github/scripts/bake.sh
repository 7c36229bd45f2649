#!/usr/bin/env bash
# One step of an image's way: bake.sh bake|test|summary|clean
# In the environment: BAKE_STACK, TEST_STACK, PROFILE, SKIP_CLEANUP, PROMOTE. Cleaning up fails when something is left.
set -euo pipefail
quiet=(--yes --non-interactive --color never)
unlock() { # the workflow's one concurrency group stands for both stacks
  CONCURRENCY_GROUP="pulumi-$1" python -m ops.unlock "$1" --clear-pending
}
up() {
  unlock "$1"
  pulumi config set --stack "$1" profile -- "$PROFILE"
  pulumi config set --stack "$1" skipCleanup -- "$SKIP_CLEANUP"
  exec pulumi up --stack "$1" "${quiet[@]}"
}
case "$1" in
  bake)
    up "$BAKE_STACK"
    ;;
  test)
    pulumi config set --stack "$TEST_STACK" promote -- "$PROMOTE"
    up "$TEST_STACK"
    ;;
  summary)
    for stack in "$BAKE_STACK" "$TEST_STACK"; do
      printf '### %s\n```\n%s\n```\n' "$stack" "$(pulumi stack output summary --stack "$stack" 2>/dev/null || echo nothing)" \
        >>"$GITHUB_STEP_SUMMARY"
    done
    ;;
  clean)
    verdict=0
    for stack in "$TEST_STACK" "$BAKE_STACK"; do # the test stands on the image
      { unlock "$stack" && pulumi destroy --stack "$stack" "${quiet[@]}"; } || verdict=1
    done
    exit "$verdict"
    ;;
  *)
    echo "::error::bake.sh knows bake, test, summary and clean, not '$1'"
    exit 2
    ;;
esac
