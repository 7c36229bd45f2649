# Every installed service runs, begun anew.
begin_change
for unit in photo-api $AGENTS; do
    installed "$unit" || continue
    systemctl reset-failed "$unit" 2>/dev/null || true
    quietly "$unit does not start" systemctl restart "$unit"
done
