# Starts the sealing, which goes on when the connection is gone. Set by server.py: SEAL (base64 of the program).
if [ "$(systemctl show --property ActiveState --value photo-api-seal.service)" != active ] &&
    [ "$(systemctl show --property ActiveState --value photo-api-seal.service)" != activating ]; then
    rm -f /run/photo-api-seal.said /run/photo-api-seal.done
    printf '%s' "$SEAL" | base64 -d >/run/photo-api-seal.sh
    systemctl reset-failed photo-api-seal.service 2>/dev/null || true
    systemd-run --quiet --collect --no-block --unit photo-api-seal --property StandardOutput=null \
        --property StandardError=file:/run/photo-api-seal.said /bin/sh /run/photo-api-seal.sh ||
        fail 'systemd does not start the sealing'
fi
