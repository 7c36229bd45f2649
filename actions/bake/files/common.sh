# Before every script of this folder. Set by server.py: RUN and what the script itself names.
set -eu
umask 022
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
HOME_OF=/opt/photo-api
STAGE=${STAGE:-/var/tmp/photo-api-bake}
MEMORY=/run/photo-api
AGENTS='node_exporter promtail alloy'

fail() {
    printf 'fail: %s\n' "$*" >&2
    exit 1
}

# quietly WHAT COMMAND…: the command's last words become the reason when it fails.
quietly() {
    what=$1
    shift
    "$@" >"$work/output" 2>&1 || fail "$what: $(grep -v '^[[:space:]]*$' "$work/output" | tail -n 1 | cut -c -500)"
}

# One script at a time changes a server: one whose connection broke may still be at work.
begin_change() {
    exec 9>/run/photo-api.lock
    flock --wait 600 9 || fail 'another script has been changing this server for more than 600 s'
    work=$(mktemp -d /run/photo-api-work.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
}

unit_of() { [ "$1" = app ] && echo photo-api || echo "$1"; }

installed() { [ -f "/etc/systemd/system/$1.service" ]; }
