# From the payload to installed services, enabled and not started. Set by server.py: PAYLOAD PYTHON OFFLINE INDEX_URL.
begin_change
cd "$STAGE"
[ -e "$PAYLOAD.whole" ] || fail 'the payload is not here'
rm -rf "$PAYLOAD.files"
mkdir "$PAYLOAD.files"
tar -xf "$PAYLOAD.whole" -C "$PAYLOAD.files"
cd "$PAYLOAD.files"

install_application() {
    [ "$(cat "$HOME_OF/.installed" 2>/dev/null)" != "$PAYLOAD" ] || return 0
    rm -rf "$HOME_OF/.installed" "$HOME_OF/app" "$HOME_OF/venv"
    mkdir "$HOME_OF/app"
    tar --no-same-owner -xf source.tar -C "$HOME_OF/app"
    set -- --disable-pip-version-check --no-input --no-cache-dir --quiet
    if [ "$OFFLINE" = true ]; then
        mkdir wheels
        tar -xf wheels.tar -C wheels
        quietly 'no virtual environment can be made' "$PYTHON" -m venv --without-pip "$HOME_OF/venv"
        pip=$(echo wheels/pip-*.whl)/pip
        set -- "$@" --no-index --find-links wheels
    else
        quietly 'no virtual environment can be made' "$PYTHON" -m venv "$HOME_OF/venv"
        pip=-mpip
        [ -z "$INDEX_URL" ] || set -- "$@" --index-url "$INDEX_URL"
    fi
    quietly 'pip cannot install the requirements' "$HOME_OF/venv/bin/python" "$pip" install "$@" --requirement requirements.txt
    quietly 'the requirements do not fit together' "$HOME_OF/venv/bin/python" "$pip" check --disable-pip-version-check
    quietly 'the application is not valid Python' "$HOME_OF/venv/bin/python" -m compileall -q "$HOME_OF/app"
    printf '%s' "$PAYLOAD" >"$HOME_OF/.installed"
}

put_agents() {
    mkdir -p programs
    [ ! -f agents.tar ] || tar --no-same-owner -xf agents.tar -C programs
    for program in programs/*; do
        [ -f "$program" ] || continue
        name=$(basename "$program")
        cmp -s "$program" "/usr/local/bin/$name" || install -m 755 "$program" "/usr/local/bin/$name"
        id "$name" >/dev/null 2>&1 ||
            quietly "no user can be made for $name" useradd --system --no-create-home --shell /usr/sbin/nologin "$name"
        [ "$name" = node_exporter ] || usermod --append --groups systemd-journal "$name"
        mkdir -p "/etc/$name" "/var/lib/$name"
        chown "$name:" "/var/lib/$name"
        [ ! -d "agents/$name" ] || cp "agents/$name"/* "/etc/$name/"
    done
}

[ ! -f source.tar ] || install_application
put_agents
for unit in units/*.service; do
    [ -f "$unit" ] || continue
    install -m 644 "$unit" /etc/systemd/system/
    units="${units:-} $(basename "$unit")"
done
quietly 'systemd does not take the units' systemctl daemon-reload
# shellcheck disable=SC2086  # one word per unit
[ -z "${units:-}" ] || quietly 'the services cannot be enabled' systemctl enable $units
