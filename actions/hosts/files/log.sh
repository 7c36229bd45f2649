# The end of the newest container's log. Set by machine.py: LINES.
found=$(container "${SERVICE:-web}")
[ -z "$found" ] || docker logs --tail "$LINES" "$found" 2>&1 | cut -c -500
