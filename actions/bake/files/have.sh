# How many bytes of the payload are here, in a file of this attempt's own: an earlier attempt may still be writing.
# Set by server.py: PAYLOAD ATTEMPT.
mkdir -p -m 700 "$STAGE"
cd "$STAGE"
for other in *; do
    case $other in "$PAYLOAD".* | '*') ;; *) rm -rf "$other" ;; esac
done
largest=$(find . -maxdepth 1 -name "$PAYLOAD.part.*" -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
if [ -e "$PAYLOAD.whole" ]; then
    echo have=whole
else
    if [ -n "$largest" ]; then cp "$largest" "$PAYLOAD.part.$ATTEMPT"; else : >"$PAYLOAD.part.$ATTEMPT"; fi
    echo "have=$(wc -c <"$PAYLOAD.part.$ATTEMPT")"
fi
