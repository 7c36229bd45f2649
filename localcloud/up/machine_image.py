"""The image of the local cloud's machines: a Debian that boots, with an SSH server, a Docker engine and the AWS CLI."""

from localcloud.up.debian import DebianImage

MACHINE_BASE = DebianImage(
    name="infra-release/machine-base:bookworm",
    packages=(
        *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "procps", "iproute2", "netbase"),
        "libnss-myhostname",  # bucket.localhost, as S3's clients name it
        *("docker.io", "iptables", "ca-certificates", "curl", "python3"),
    ),
)
