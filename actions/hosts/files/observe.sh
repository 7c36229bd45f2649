# One look at the host; changes nothing. Prints `name=value` lines. A host that is still at its first boot is waited for.
wait_for_boot
cd "$APP_DIR" 2>/dev/null || cd /
if [ "$WAY" = single ]; then
    SERVICE=$(cat current/colour 2>/dev/null || echo web-a)
    [ "$SERVICE" != "$(live)" ] || echo live=true
fi
if docker version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    echo docker=true
    printf 'architecture=%s\n' "$(docker version --format '{{.Server.Arch}}')"
    root=$(docker info --format '{{.DockerRootDir}}')
    printf 'free_mb=%s\n' "$(df -Pm "$root" | awk 'NR == 2 { print $4 }')"
    found=$(container "$SERVICE")
    if [ -n "$found" ]; then
        docker inspect --format 'image={{.Config.Image}}
state={{.State.Status}}
health={{with .State.Health}}{{.Status}}{{end}}' "$found"
    fi
fi
printf 'installed=%s\n' "$(setting current IMAGE)"
printf 'staged=%s\n' "$(setting next IMAGE)"
for name in current next; do
    [ ! -f "$APP_DIR/$name/fingerprint" ] || printf '%s_as=%s\n' "$name" "$(cat "$APP_DIR/$name/fingerprint")"
done
[ ! -e "$APP_DIR/current/verified" ] || echo verified=true
[ ! -f "$APP_DIR/ledger.json" ] || printf 'ledger=%s\n' "$(cat "$APP_DIR/ledger.json")"
