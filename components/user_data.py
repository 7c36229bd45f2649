"""What a host does for itself at its first boot, and every few minutes after: a shell script, as a text. Pure.

It installs what is missing, publishes the key by which the host is known, lets the deploying key in, and reports how
full the disk is. Running it again changes nothing.
"""

from dataclasses import dataclass

from components.alarms import HOST_METRICS

CARE = "/usr/local/sbin/infra-release-host"

SCRIPT = r"""#!/bin/bash
# First boot of a host; said again, it changes nothing. What it prints lies in /var/log/cloud-init-output.log.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v python3 >/dev/null || missing+=(python3)
command -v aws >/dev/null || missing+=(awscli)
command -v docker >/dev/null || missing+=(docker.io)
docker compose version >/dev/null 2>&1 || missing+=(docker-compose-v2)
if [ ${#missing[@]} -gt 0 ]; then
    # A host that is given an Elastic IP changes its address about now, and loses the connections it has.
    apt="apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 -o Acquire::http::Timeout=20"
    $apt update
    $apt install -y --no-install-recommends "${missing[@]}"
fi
systemctl enable --now docker

cat > {{CARE}} <<'CARE'
#!/bin/bash
# The key by which this host is known, the key that may enter, and how full its disk is.
set -uo pipefail
exec 9>/run/infra-release-host.lock
flock 9
metadata=http://169.254.169.254/latest
token=$(curl -fsS -m 5 -X PUT "$metadata/api/token" -H 'X-aws-ec2-metadata-token-ttl-seconds: 60') || exit 1
instance=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id") || exit 1
export AWS_DEFAULT_REGION={{REGION}}
problems=0

entry=$(aws ssm get-parameter --name "{{SSH_KEY}}.pub" --query Parameter.Value --output text)
home=$(getent passwd {{USER}} | cut -d: -f6)
if [ -n "$entry" ] && [ -n "$home" ]; then
    install -d -m 700 -o {{USER}} -g {{USER}} "$home/.ssh"
    keys="$home/.ssh/authorized_keys"
    touch "$keys"
    # Our line is the marked one: a changed key takes the place of the old, and nobody else's line is touched.
    wanted="$entry infra-release"
    if ! grep -qxF "$wanted" "$keys"; then
        { grep -v ' infra-release$' "$keys"; echo "$wanted"; } > "$keys.new"
        chown {{USER}}:{{USER}} "$keys.new" && chmod 600 "$keys.new" && mv "$keys.new" "$keys"
    fi
else
    echo "nobody is let in: no {{SSH_KEY}}.pub, or no user {{USER}}" >&2
    problems=1
fi

# Said when the key above is in, because who reads it comes in next. Never overwritten: whoever takes a host over must
# not be able to say that he is it.
known="{{HOST_KEYS}}$instance/host-key"
if [ $problems -eq 0 ] && [ ! -e /var/lib/infra-release-host-key ]; then
    key=$(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
    aws ssm put-parameter --name "$known" --type String --value "$key" >/dev/null 2>&1
    if [ "$(aws ssm get-parameter --name "$known" --query Parameter.Value --output text)" = "$key" ]; then
        touch /var/lib/infra-release-host-key
    else
        echo "the host key of $instance is not what $known says" >&2
        problems=1
    fi
fi

used=$(df --output=pcent / | tail -1 | tr -dc 0-9)
aws cloudwatch put-metric-data --namespace "{{HOST_METRICS}}" --metric-name DiskUsedPercent \
    --dimensions InstanceId="$instance" --unit Percent --value "$used" ||
    echo "nobody hears how full the disk is" >&2
exit $problems
CARE
chmod 755 {{CARE}}

cat > /etc/systemd/system/infra-release-host.service <<'UNIT'
[Unit]
Description=What this host says of itself, and who may enter
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={{CARE}}
UNIT
cat > /etc/systemd/system/infra-release-host.timer <<'UNIT'
[Unit]
Description=Every five minutes

[Timer]
OnBootSec=1min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
UNIT
systemctl daemon-reload
systemctl enable --now infra-release-host.timer

# The instance's role may take a while to work after the first boot.
for _ in $(seq 60); do
    {{CARE}} && break
    sleep 2
done
"""


@dataclass(frozen=True, kw_only=True)
class FirstBoot:
    region: str
    user: str  # whom the deploying key lets in
    ssh_key: str  # SSM parameter; its public half is `<this>.pub`
    host_keys_prefix: str  # before `<instance id>/host-key`


def user_data(boot: FirstBoot) -> str:
    """The script for EC2's user data; it holds names only, nothing secret."""
    text = SCRIPT
    for place, value in (
        ("CARE", CARE),
        ("REGION", boot.region),
        ("USER", boot.user),
        ("SSH_KEY", boot.ssh_key),
        ("HOST_KEYS", boot.host_keys_prefix),
        ("HOST_METRICS", HOST_METRICS),
    ):
        text = text.replace("{{" + place + "}}", value)
    return text
