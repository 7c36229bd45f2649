# Makes next/ whole: texts, .env with the values this host reads itself, images; what runs goes on serving.
# Set by machine.py: COMPOSE NGINX NAMES (base64 each), FINGERPRINT IMAGE TAG ROOM_MB ENV_PY (base64).
# Without one nginx does not start, and without nginx nobody issues one: until then its own, signed by nobody.
show_own_certificate() {
    [ ! -s tls/site.pem ] || return 0
    quietly 'no certificate can be made' openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 3650 -subj "/CN=$(hostname)" -keyout "$work/key" -out "$work/certificate"
    cat "$work/key" "$work/certificate" >tls/site.pem.new
    mv -T tls/site.pem.new tls/site.pem
}

begin_change
docker version >/dev/null 2>&1 || fail 'its Docker engine does not answer'
docker compose version >/dev/null 2>&1 || fail 'it has no `docker compose`'

mkdir next.new
printf '%s' "$COMPOSE" | base64 -d >next.new/compose.yaml
printf '%s' "$NGINX" | base64 -d >next.new/nginx.conf
printf '%s' "$FINGERPRINT" >next.new/fingerprint
printf '%s' "$NAMES" | base64 -d >"$work/names"
printf '%s' "$ENV_PY" | base64 -d >"$work/env.py"
[ -z "$IMAGE" ] || printf 'IMAGE="%s"\nIMAGE_TAG="%s"\n' "$IMAGE" "$TAG" >next.new/.env
python3 "$work/env.py" "$REGION" "$work/names" >>next.new/.env 2>"$work/output" ||
    fail "$(last_words)"
quietly 'compose.yaml is not valid' compose next.new config --quiet

here=$(docker version --format '{{.Server.Arch}}')
for image in $(compose next.new config --images | sort -u); do
    fetch "$image"
    made_for=$(docker image inspect --format '{{.Architecture}}' "$image")
    [ "$made_for" = "$here" ] || fail "$image is made for $made_for, and this host is $here"
done

if [ -s next.new/nginx.conf ] && compose next.new config --services | grep -qx nginx; then
    with=$(compose next.new config --format json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["services"]["nginx"]["image"])')
    mkdir "$work/site"
    cp next.new/nginx.conf "$work/site/site.conf"
    set -- --volume "$work/site:/etc/nginx/conf.d:ro"
    if [ "$WAY" = single ]; then
        set -- "$@" --volume "$APP_DIR/tls:/etc/nginx/tls:ro"
        echo 'map "" $live_web { default "web-a"; }' >"$work/site/live.conf"
        mkdir -p -m 755 challenges
        mkdir -p -m 700 tls
        show_own_certificate
    fi
    quietly 'nginx refuses its configuration' docker run --rm --network none --entrypoint nginx "$@" "$with" -t
fi
drop next
mv -T next.new next
