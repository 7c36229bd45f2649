# A one-off container of the staged release. Set by machine.py: COMMAND (words of a command line).
begin_change
[ -d next ] || fail 'nothing is staged on it'
one_of_them() {
    if [ "$WAY" = single ]; then echo web-a; else echo "$SERVICE"; fi
}
set -f
# shellcheck disable=SC2086  # the command is meant to be split into its words
if ! compose next run --rm --no-deps -T "$(one_of_them)" $COMMAND >"$work/output" 2>&1; then
    tail -n 20 "$work/output" | cut -c -500
    fail "\`$COMMAND\` failed: $(last_words)"
fi
