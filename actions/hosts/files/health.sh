# One look at every container of SERVICE (of every service when it is empty) and at the answer of HEALTH_PATH.
[ -d "$APP_DIR/current" ] || fail 'nothing is installed on it'
services=${SERVICE:-$(compose current config --services)}
for service in $services; do
    found=$(container "$service")
    if [ -z "$found" ]; then
        printf 'look=%s missing - 0 -\n' "$service"
        continue
    fi
    docker inspect --format \
        "look=$service {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}-{{end}} {{.RestartCount}} {{.Config.Image}}" \
        "$found"
done
printf 'wanted=%s\n' "$(setting current IMAGE)"
if [ -n "$HEALTH_PATH" ]; then
    code=$(curl --silent --show-error --output /dev/null --max-time 5 --write-out '%{http_code}' \
        --header 'Host: localhost' "http://127.0.0.1:$PORT$HEALTH_PATH" 2>&1) || true
    printf 'answer=%s\n' "$code"
fi
