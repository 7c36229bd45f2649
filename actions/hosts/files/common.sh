# Before every script of this folder: the names, the lock, and the rule by which a move that was cut off is completed.
# Set by machine.py: APP_DIR PROJECT SERVICE PORT REGION WAY.
set -eu
umask 077
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export PATH

fail() {
    printf 'fail: %s\n' "$*" >&2
    exit 1
}

# cloud-init leaves a file behind when the first boot is over; a host without cloud-init has none to wait for.
wait_for_boot() {
    left=300
    while [ -d /var/lib/cloud/instance ] && [ ! -e /var/lib/cloud/instance/boot-finished ] && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
}

# compose DIRECTORY ARGUMENT…: Docker Compose on one of the directories, always as the same project.
compose() {
    directory=$APP_DIR/$1
    shift
    docker compose --project-name "$PROJECT" --project-directory "$directory" \
        --file "$directory/compose.yaml" --env-file "$directory/.env" --progress quiet "$@"
}

# last_words: the last line of what a command left in $work/output, or the one that nginx calls an emergency.
last_words() {
    { grep -F '[emerg]' "$work/output" || grep -v '^[[:space:]]*$' "$work/output" || echo 'it said nothing'; } |
        tail -n 1 | cut -c -500
}

# quietly WHAT COMMAND…: the command's last words become the reason when it fails.
quietly() {
    what=$1
    shift
    "$@" >"$work/output" 2>&1 || fail "$what: $(last_words)"
}

# container SERVICE: the id of its newest container, running or not; one-off containers do not count.
container() {
    docker ps --all --quiet --no-trunc \
        --filter "label=com.docker.compose.project=$PROJECT" \
        --filter "label=com.docker.compose.service=$1" \
        --filter 'label=com.docker.compose.oneoff=False' | head -n 1
}

# setting DIRECTORY NAME: one of the plain values that stage.sh wrote into .env itself.
setting() {
    [ ! -f "$APP_DIR/$1/.env" ] || sed -n "s/^$2=\"\(.*\)\"\$/\1/p" "$APP_DIR/$1/.env"
}

drop() {
    rm -rf "$1.gone"
    [ ! -e "$1" ] || mv -T "$1" "$1.gone"
    rm -rf "$1.gone"
}

# A switch moves previous → older, current → previous (or → failed when it was never verified), next → current.
# A way back moves current → failed, previous → current, after dropping next. Whatever was cut off is completed here.
settle() {
    if [ ! -d current ]; then
        if [ -d next ] && { [ -d previous ] || [ -d failed ]; }; then
            mv -T next current
        elif [ -d previous ]; then
            mv -T previous current
        fi
    fi
    if [ -d older ] && [ -d current ] && [ ! -d previous ]; then
        mv -T older previous
    fi
    drop older
    drop failed
    rm -rf next.new ./*.gone
}

# One script at a time changes a host: a run that lost its connection may still be at work.
begin_change() {
    mkdir -p "$APP_DIR"
    cd "$APP_DIR"
    exec 9>"$APP_DIR/.lock"
    flock --wait 300 9 || fail "another run has been changing $APP_DIR for more than 300 s"
    work=$(mktemp -d "${RUNTIME_DIRECTORY:-/run}/release.XXXXXX") # in memory, on no disk
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    settle
}

# bring_up DIRECTORY: what changed is made anew, what did not goes on; nothing is fetched, for `stage` has done that.
bring_up() {
    keep_nginx_conf "$1"
    services=$(compose "$1" config --services)
    if [ "$WAY" = single ]; then
        choose_colour "$1"
        services=$(printf '%s\n' "$services" | grep -vx "$(other "$(cat "$1/colour")")")
    fi
    # shellcheck disable=SC2086  # one word per service
    quietly 'docker compose up' compose "$1" up --detach --no-deps --pull never --remove-orphans $services
    reload_nginx "$1"
}

# On a host without a balancer two web services take turns, web-a and web-b: a release comes up beside the one that
# serves, and nginx is told to go over to it. nginx/live.conf says who serves, <directory>/colour whose turn it is.
live() {
    [ ! -f nginx/live.conf ] || sed -n 's/.*default "\(.*\)";.*/\1/p' nginx/live.conf
}

other() {
    case $1 in web-a) echo web-b ;; *) echo web-a ;; esac
}

choose_colour() {
    [ -s "$1/colour" ] || other "$(live)" >"$1/colour"
    [ -n "$(live)" ] || go_live "$(cat "$1/colour")" # the first release takes nobody's place
}

go_live() {
    mkdir -p -m 755 nginx
    printf 'map "" $live_web { default "%s"; }\n' "$1" >nginx/live.conf.new
    chmod 644 nginx/live.conf.new
    : >.reload
    mv -T nginx/live.conf.new nginx/live.conf
}

# nginx reads its site from nginx/, a directory that stays, because a container keeps the directory it was given.
keep_nginx_conf() {
    [ -s "$1/nginx.conf" ] || return 0
    mkdir -p -m 755 nginx
    cmp -s "$1/nginx.conf" nginx/site.conf && return 0
    : >.reload
    install -m 644 "$1/nginx.conf" nginx/site.conf.new
    mv -T nginx/site.conf.new nginx/site.conf
}

# A changed site is taken up without a connection lost. One whose nginx was made anew has it already.
reload_nginx() {
    [ -e .reload ] || return 0
    if [ -n "$(container nginx)" ]; then
        quietly 'nginx did not take its configuration' compose "$1" exec -T nginx nginx -s reload
    fi
    rm -f .reload
}

# have_room, fetch IMAGE: an image that is here already costs nothing. Set by machine.py: ROOM_MB.
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

put() { # put MODE FILE: standard input becomes the file, when it differs
    cat >"$work/file"
    cmp -s "$work/file" "$2" && return 0
    install -m "$1" "$work/file" "$2.new"
    mv -T "$2.new" "$2"
    changed=true
}

# keep_timer NAME WHAT PROGRAM WHEN…: systemd runs the program at these times; what is as it should be is left alone.
keep_timer() {
    put 644 "/etc/systemd/system/$1.service" <<UNIT
[Unit]
Description=$2
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=$3
UNIT
    unit=$1
    times=$(shift 3 && printf '%s\n' "$@")
    put 644 "/etc/systemd/system/$unit.timer" <<UNIT
[Unit]
Description=When: $2

[Timer]
$times
Persistent=true

[Install]
WantedBy=timers.target
UNIT
    if [ -n "$changed" ]; then
        quietly 'systemd does not take the timer' systemctl daemon-reload
        quietly 'the timer does not start' systemctl restart "$unit.timer"
    fi
    quietly 'the timer cannot be enabled' systemctl enable --now "$unit.timer"
}
