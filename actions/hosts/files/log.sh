# The end of the log of SERVICE's newest container (of every service's when it is empty). Set by machine.py: LINES.
[ "$WAY" != single ] || SERVICE=$(cat "$APP_DIR/current/colour" 2>/dev/null || echo web-a)
services=${SERVICE:-$(compose current config --services 2>/dev/null || true)}
for service in $services; do
    found=$(container "$service")
    [ -z "$found" ] || docker logs --tail "$LINES" "$found" 2>&1 | cut -c -500
done
