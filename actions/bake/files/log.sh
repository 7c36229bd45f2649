# The end of a service's log. Set by server.py: UNIT LINES.
journalctl --unit "$UNIT" --lines "$LINES" --no-pager --output cat 2>/dev/null || true
