# One look at the application and its agents. Set by server.py: PORT HEALTH_PATH.
for unit in photo-api $AGENTS; do
    installed "$unit" || continue
    restarts=$(systemctl show --property NRestarts --value "$unit")
    echo "unit=$unit $(systemctl show --property ActiveState --value "$unit") ${restarts:-0}"
done
if installed photo-api; then
    "$HOME_OF/venv/bin/python" - "http://127.0.0.1:$PORT$HEALTH_PATH" <<'LOOK'
import sys, urllib.error, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
        print("answer=HTTP", answer.status)
except urllib.error.HTTPError as error:
    print("answer=HTTP", error.code)
except OSError as error:
    print("answer=none:", getattr(error, "reason", error))
LOOK
fi
