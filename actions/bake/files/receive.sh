# Standard input is what is missing of the payload. Set by server.py: PAYLOAD (its SHA-256) ATTEMPT SIZE.
cd "$STAGE"
cat >>"$PAYLOAD.part.$ATTEMPT"
size=$(wc -c <"$PAYLOAD.part.$ATTEMPT")
[ "$size" = "$SIZE" ] || fail "$size of $SIZE bytes arrived"
if ! printf '%s  %s\n' "$PAYLOAD" "$PAYLOAD.part.$ATTEMPT" | sha256sum --check --status; then
    rm -f "$PAYLOAD".part.*
    fail 'what arrived is not what was sent'
fi
mv -T "$PAYLOAD.part.$ATTEMPT" "$PAYLOAD.whole"
rm -f "$PAYLOAD".part.*
