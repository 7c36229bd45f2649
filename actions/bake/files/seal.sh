# Takes away all that belongs to this one server, then powers it off. Until its last lines a failure leaves the way in.
# Set by server.py: RECIPE COMMIT.
begin_change
for unit in photo-api $AGENTS; do
    ! installed "$unit" || quietly "$unit does not stop" systemctl stop "$unit"
done

hashes() { sha256sum "$@" 2>/dev/null | cut -d ' ' -f 1; }
homes() { getent passwd | cut -d : -f 6 | sort -u | while read -r home; do [ ! -d "$home/.ssh" ] || echo "$home"; done; }

# What a test server compares itself with: hashes of what must not come back.
mkdir -p /var/lib/photo-api-image
{
    echo "recipe=$RECIPE"
    echo "commit=$COMMIT"
    echo "run=$RUN"
    echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    hashes /etc/machine-id | sed 's/^/machine_id=/'
    for key in /etc/ssh/ssh_host_*.pub; do [ ! -f "$key" ] || cut -d ' ' -f 2 "$key" | sha256sum | sed 's/ .*//; s/^/host_key=/'; done
    homes | while read -r home; do
        [ ! -f "$home/.ssh/authorized_keys" ] || grep -o 'AAAA[^ ]*' "$home/.ssh/authorized_keys" |
            while read -r key; do echo "$key" | sha256sum | sed 's/ .*//; s/^/login_key=/'; done
    done
} >"$work/sealed"

rm -rf "$STAGE" "$MEMORY"
rm -f "$HOME_OF/app/.env.build" "$HOME_OF/.env.build"
for agent in promtail alloy; do rm -rf "/var/lib/$agent"/* "/var/lib/$agent"/.[!.]*; done
apt-get clean 2>/dev/null || true
rm -rf /var/lib/apt/lists/*
if command -v cloud-init >/dev/null; then
    quietly 'cloud-init cannot be cleaned' cloud-init clean --logs
    rm -rf /var/lib/cloud/instances /var/lib/cloud/instance /var/lib/cloud/data /var/lib/cloud/sem
fi
: >/etc/machine-id # empty, so that the next boot makes one and is a first boot
[ -L /var/lib/dbus/machine-id ] || rm -f /var/lib/dbus/machine-id
rm -f /var/lib/systemd/random-seed /var/lib/dhcp/*.leases /var/lib/systemd/timesync/clock
homes | while read -r home; do rm -f "$home"/.ssh/known_hosts* "$home"/.ssh/id_*; done
for home in /root /home/*; do
    rm -rf "$home"/.*_history "$home"/.lesshst "$home"/.viminfo "$home"/.wget-hsts "$home"/.cache "$home"/.sudo_as_admin_successful
done
find /tmp /var/tmp -xdev -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} +
for socket in systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket; do
    systemctl stop "$socket" 2>/dev/null || true
done
systemctl stop systemd-journald.service 2>/dev/null || true
rm -rf /var/log/journal/*
find /var/log -xdev -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \) -delete
find /var/log -xdev -type f -exec truncate --size 0 {} +
install -m 644 "$work/sealed" /var/lib/photo-api-image/sealed

# From here on nobody logs in any more.
rm -f /etc/ssh/ssh_host_*
homes | while read -r home; do rm -f "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; done
sync
: >/run/photo-api-seal.done
systemctl poweroff
