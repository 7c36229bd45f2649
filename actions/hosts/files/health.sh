# One look at every container of SERVICE (of every service when it is empty) and at the answer of HEALTH_PATH.
[ -d "$APP_DIR/current" ] || fail 'nothing is installed on it'
address=127.0.0.1
[ "$WAY" != single ] || SERVICE=$(cat "$APP_DIR/current/colour")
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
    # Beside the one that serves, a container is asked itself.
    [ "$WAY" != single ] ||
        address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$found" | cut -d ' ' -f 1)
done
printf 'wanted=%s\n' "$(setting current IMAGE)"
if [ -n "$HEALTH_PATH" ]; then
    code=$(curl --silent --show-error --output /dev/null --max-time 5 --write-out '%{http_code}' \
        --header 'Host: localhost' "http://$address:$PORT$HEALTH_PATH" 2>&1) || true
    printf 'answer=%s\n' "$code"
fi
