# Makes next/ whole: texts, .env with the values this host reads itself, images; what runs goes on serving.
# Set by machine.py: COMPOSE NGINX NAMES (base64 each), FINGERPRINT IMAGE TAG ROOM_MB ENV_PY (base64).
sign_in() {
    # The engine may ask several registries; this account's own is the one that wants a token.
    answer=$(aws ecr get-authorization-token --region "$REGION" --output text \
        --query 'authorizationData[0].[proxyEndpoint,authorizationToken]' 2>"$work/output") ||
        fail "no token for the registry: $(last_words)"
    registry=${answer%%[[:space:]]*}
    registry=${registry#*://}
    DOCKER_CONFIG=$work/docker
    export DOCKER_CONFIG
    printf '%s' "${answer##*[[:space:]]}" | base64 -d | cut -d : -f 2 |
        docker login --username AWS --password-stdin "$registry" >"$work/output" 2>&1 ||
        fail "the registry $registry refuses this host: $(last_words)"
}

have_room() {
    root=$(docker info --format '{{.DockerRootDir}}')
    free=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$ROOM_MB" ] || fail "$free MB are free in $root, and $ROOM_MB MB are wanted before an image is pulled"
}

fetch() {
    docker image inspect "$1" >/dev/null 2>&1 && return 0
    have_room
    [ -n "${DOCKER_CONFIG:-}" ] || sign_in
    quietly "$1 cannot be pulled" docker pull --quiet "$1"
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
    [ "$WAY" != single ] || echo 'map "" $live_web { default "web-a"; }' >"$work/site/live.conf"
    quietly 'nginx refuses its configuration' docker run --rm --network none --entrypoint nginx \
        --volume "$work/site:/etc/nginx/conf.d:ro" "$with" -t
fi
drop next
mv -T next.new next
