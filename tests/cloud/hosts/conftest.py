"""Two hosts of a local cloud, with a registry, their keys and parameters, reached as a release reaches them."""

import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from actions.clients import Clients
from actions.hosts.access import access_from_environment
from actions.hosts.host import Host, StagedRelease
from actions.hosts.machine import ComposeMachine, Project
from actions.hosts.ssh import SshAccess
from actions.hosts.ssm import SsmAccess
from actions.lifeline import Cancellation
from actions.progress import Progress
from tests.cloud.session import LocalSession
from tests.waiting import until

REGION = "us-east-1"
PREFIX = "/App/test"
SECRET = 'it\'s "a" $ecret'
NGINX_IMAGE = "infra-release/teammoa-nginx:1.22"
HEALTHY_SECONDS = 60.0
COMPOSE = """\
services:
  web:
    image: ${IMAGE}
    env_file: .env
    restart: always
  nginx:
    image: REGISTRY/nginx:1
    ports: ["8000:8000"]
    volumes: ["../nginx:/etc/nginx/conf.d:ro"]
"""
NGINX = """\
resolver 127.0.0.11 valid=1s ipv6=off;
server {
    listen 8000;
    location / { set $web http://web:8000; proxy_pass $web; }
}
"""
DOCKERFILE = """\
FROM {base}
RUN printf 'server {{ listen 8000; add_header X-Version {version}; location / {{ return 200 "{version}"; }} \\
    location /slow {{ root /tmp; limit_rate 1k; }} }}' > /etc/nginx/conf.d/default.conf
RUN head -c 6000 /dev/zero > /tmp/slow
HEALTHCHECK --interval=1s --retries=3 CMD ["curl", "-fsS", "http://127.0.0.1:8000/"]
{more}
"""
VERSIONS = {"v1": "", "v2": "", "crash": 'CMD ["nginx", "-c", "/none"]'}
USER_DATA = f"""\
#!/bin/sh
set -eu
token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
id=$(curl -fsS -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
export AWS_DEFAULT_REGION={REGION}
key=$(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)
public=$(aws ssm get-parameter --name {PREFIX}/ssh-key.pub --query Parameter.Value --output text)
install -d -m 700 -o admin -g admin /home/admin/.ssh
printf '%s\\n' "$public" >/home/admin/.ssh/authorized_keys
chown admin:admin /home/admin/.ssh/authorized_keys
aws ssm put-parameter --name {PREFIX}/hosts/$id/host-key --type String --value "$key"
"""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Two hosts and everything they need."""

    hosts: tuple[Host, ...]
    group: str  # security group
    registry: str
    images: dict[str, str]  # version → pinned image
    environment: dict[str, str]  # of an action
    runner: str  # the address under which the hosts see it
    ec2: Any
    ssm: Any

    def access(self, way: str = "ssh", directory: str = "/opt/app", **changed: str) -> SshAccess | SsmAccess:
        project = Project(name=directory.rpartition("/")[2], directory=directory, region=REGION)
        environment = {**self.environment, "ACCESS": way, **changed}
        return access_from_environment(Clients(REGION), project, Cancellation(), Progress(), environment)

    def release(self, version: str, **changed: Any) -> StagedRelease:
        given = {
            "image": self.images[version],
            "tag": version,
            "compose": COMPOSE.replace("REGISTRY", self.registry),
            "nginx": NGINX,
            "variables": {"SECRET": f"{PREFIX}/secret"},
        }
        return StagedRelease(**{**given, **changed})

    def on(self, host: Host, command: str) -> str:
        """What a shell command on a host's machine prints, whatever the way to it."""
        done = subprocess.run(
            ["docker", "exec", f"localcloud-{host.instance}", "sh", "-c", command], capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def rules(self) -> list[dict[str, Any]]:
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.group]}])
        return [rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]


def become_healthy(machine: ComposeMachine) -> None:
    until(lambda: machine.healthy().healthy, f"{machine.host.name} is healthy", HEALTHY_SECONDS)


def together(work: Callable[[Host], T], hosts: tuple[Host, ...]) -> list[T]:
    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(pool.map(work, hosts))


@pytest.fixture(scope="session")
def fleet(cloud: dict[str, str], aws: LocalSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    registry = cloud["AWS_ENDPOINT_URL"].partition("//")[2]
    ec2, ssm = aws.client("ec2"), aws.client("ssm")
    images = publish(aws, registry, tmp_path_factory.mktemp("docker"))
    private, public = key_pair()
    ssm.put_parameter(Name=f"{PREFIX}/ssh-key", Type="SecureString", Value=private)
    ssm.put_parameter(Name=f"{PREFIX}/ssh-key.pub", Type="String", Value=public)
    ssm.put_parameter(Name=f"{PREFIX}/secret", Type="SecureString", Value=SECRET)
    group = ec2.create_security_group(GroupName="hosts", Description="hosts")["GroupId"]
    with pytest.MonkeyPatch.context() as patched:
        for name, value in cloud.items():
            patched.setenv(name, value)
        hosts = start(ec2, group, profile(aws), count=2)
        environment = {
            "SSH_USER": "admin",
            "SSH_KEY_PARAMETER": f"{PREFIX}/ssh-key",
            "HOST_KEYS_PREFIX": f"{PREFIX}/hosts/",
            "SECURITY_GROUP": group,
            "TIMEOUT_SECONDS": "300",
            "RUNNER_ADDRESS_URL": cloud["RUNNER_ADDRESS_URL"],
        }
        try:
            yield Fleet(
                hosts=hosts,
                group=group,
                registry=registry,
                images=images,
                environment=environment,
                runner=requests.get(cloud["RUNNER_ADDRESS_URL"], timeout=10).text.strip(),
                ec2=ec2,
                ssm=ssm,
            )
        finally:
            ec2.terminate_instances(InstanceIds=[host.instance for host in hosts])


def key_pair() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def profile(aws: LocalSession) -> str:
    """The hosts' instance profile: what the scripts on a host need."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="hosts", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    allowed = {"Effect": "Allow", "Action": ["ecr:*", "ssm:*", "kms:Decrypt", "s3:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="hosts", PolicyName="hosts", PolicyDocument=document)
    iam.create_instance_profile(InstanceProfileName="hosts")
    iam.add_role_to_instance_profile(InstanceProfileName="hosts", RoleName="hosts")
    return "hosts"


def start(ec2: Any, group: str, profile: str, count: int) -> tuple[Host, ...]:
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["debian-12-*"]}])["Images"][0]["ImageId"]
    started = ec2.run_instances(
        ImageId=image,
        MinCount=count,
        MaxCount=count,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": profile},
        UserData=USER_DATA,
    )["Instances"]
    identifiers = [instance["InstanceId"] for instance in started]
    ec2.get_waiter("instance_running").wait(InstanceIds=identifiers, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return tuple(
        Host(name=f"web-{number}", instance=instance["InstanceId"], address=instance["PrivateIpAddress"])
        for number, instance in enumerate(started, 1)
    )


def publish(aws: LocalSession, registry: str, directory: Path) -> dict[str, str]:
    """Versions of a small web application, nginx, and an image for another architecture; pinned names by version."""
    ecr = aws.client("ecr")
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    (directory / "config.json").write_text(json.dumps({"auths": {registry: {"auth": token}}}))
    for name in ("web", "nginx"):
        ecr.create_repository(repositoryName=name)
    docker("tag", NGINX_IMAGE, f"{registry}/nginx:1")
    for version, more in VERSIONS.items():
        text = DOCKERFILE.format(base=NGINX_IMAGE, version=version, more=more)
        docker("build", "--quiet", "--tag", f"{registry}/web:{version}", "-", given=text, DOCKER_BUILDKIT="0")
    archive = directory / "nothing.tar"
    tarfile.open(archive, "w").close()
    docker("import", "--platform", "linux/arm64", str(archive), f"{registry}/web:arm")
    for image in ("nginx:1", "web:arm", *(f"web:{version}" for version in VERSIONS)):
        docker("push", "--quiet", f"{registry}/{image}", DOCKER_CONFIG=str(directory))
        docker("rmi", f"{registry}/{image}")
    pushed = ecr.describe_images(repositoryName="web")["imageDetails"]
    return {detail["imageTags"][0]: f"{registry}/web@{detail['imageDigest']}" for detail in pushed}


def docker(*arguments: str, given: str = "", **environment: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], input=given, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout
