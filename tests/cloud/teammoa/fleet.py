"""What the tests look at: the stack, its target group, its hosts as an administrator of the machine sees them."""

import subprocess
from typing import Any

import requests

from tests.cloud.project import Project
from tests.cloud.session import LocalSession
from tests.waiting import until

WEB = "docker ps -aq --filter label=com.docker.compose.service=web"  # on a host


class Fleet:
    """TeamMoa as the tests see it."""

    def __init__(self, project: Project, aws: LocalSession) -> None:
        self.project, self.aws = project, aws

    @property
    def url(self) -> str:
        return str(self.project.output("url"))

    @property
    def authorities(self) -> str:
        """The file of those whose certificates the users of the local cloud trust."""
        return self.project.environment["REQUESTS_CA_BUNDLE"]

    @property
    def hosts(self) -> list[dict[str, Any]]:
        """The hosts that serve, in the order of a release."""
        return [host for host in self.project.output("hosts") if host["name"].startswith("web-")]

    @property
    def data_host(self) -> dict[str, Any]:
        return next(host for host in self.project.output("hosts") if not host["name"].startswith("web-"))

    def target_states(self) -> dict[str, str]:
        """Instance → state in the target group."""
        elb = self.aws.client("elbv2")
        group = elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
        described = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {entry["Target"]["Id"]: entry["TargetHealth"]["State"] for entry in described}

    def digests(self) -> set[str]:
        """What the web containers of all hosts run, as their own engines tell."""
        return {self.on(host, f"docker inspect -f '{{{{.Config.Image}}}}' $({WEB})").strip().rpartition("@")[2]
                for host in self.hosts}  # fmt: skip

    def whole(self) -> bool:
        """Whether every host is healthy in the target group and all run the recorded digest."""
        proof = self.project.output("release")
        states = self.target_states()
        return (
            set(states) == {host["instance"] for host in self.hosts}
            and set(states.values()) == {"healthy"}
            and self.digests() == {proof["digest"]}
        )

    def wait_until_healthy(self) -> None:
        until(lambda: set(self.target_states().values()) == {"healthy"}, "every target is healthy", 60)

    def on(self, host: dict[str, Any], script: str) -> str:
        """Run a script on a host behind everybody's back."""
        return docker("exec", self.container(host), "sh", "-c", script)

    def container(self, host: dict[str, Any]) -> str:
        """The machine of a host, as the engine of this computer calls it."""
        return docker("ps", "-aq", "--filter", f"label=localcloud.instance={host['instance']}").strip()

    @property
    def gateway(self) -> str:
        """The address under which the hosts see this computer."""
        return requests.get(self.project.environment["RUNNER_ADDRESS_URL"], timeout=5).text.strip()

    def reaches(self, host: dict[str, Any], address: str, port: int) -> bool:
        """Whether a host can open a connection to a port of another one."""
        script = f"timeout 1 bash -c '< /dev/tcp/{address}/{port}' && echo open || echo closed"
        return self.on(host, f"{script} 2>/dev/null").strip() == "open"

    def rules_for_ssh(self) -> list[dict[str, Any]]:
        """Rules of any security group that open port 22."""
        rules = self.aws.client("ec2").describe_security_group_rules()["SecurityGroupRules"]
        return [rule for rule in rules if not rule["IsEgress"] and rule.get("FromPort") == 22]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], text=True, stdout=subprocess.PIPE, check=True).stdout
