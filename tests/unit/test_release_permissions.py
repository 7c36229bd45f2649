"""What the release role may do is what a release asks IAM about before it moves anything, and the image push."""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from actions import permissions
from actions.hosts.host import Host
from actions.hosts.machine import Project
from actions.request import EcsRequest
from actions.rolling.needs import needs as rolling_needs
from actions.rolling.request import HostAccess, RollingRequest
from components import policies, policies_fleet
from components.arns import Arns
from components.naming import Names

NAMES = Names(base="LiveInsight", environment="prod")
ARNS = Arns(account="123456789012", region="us-east-1", names=NAMES, repository_name="liveinsight-app")
PUSH = {
    *("ecr:GetAuthorizationToken", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"),
    *("ecr:PutImage", *policies.PULL_IMAGE),
}
REQUEST = EcsRequest(
    image=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{ARNS.repository_name}:v1",
    cluster=NAMES.cluster,
    service=NAMES.service,
    container=NAMES.container,
    template=f"arn:aws:ecs:us-east-1:123456789012:task-definition/{NAMES.template_family}:1",
    family=NAMES.family,
    desired_count=2,
    scales=True,
    target_group="arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/LiveInsight-tg/1",
    url="http://live.example.com/health/",
    alarms=("LiveInsight-errors",),
    table=NAMES.table,
    region=ARNS.region,
    passes=3,
    timeout_seconds=600,
    grace_seconds=60,
)


def actions_of(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_role_may_do_what_the_preflight_asks_for_and_nothing_else() -> None:
    roles = (ARNS.role(NAMES.execution_role), ARNS.role(NAMES.task_role))
    wanted = permissions.needs(REQUEST, ARNS.account, roles, NAMES.log_group)
    asked = {action for need in wanted for action in need.actions}
    granted = actions_of(policies.release_policy(ARNS))  # without a backend: the state's rights are not the release's
    assert granted >= PUSH
    assert granted - PUSH == asked | {"iam:SimulatePrincipalPolicy"}


ROLLING = RollingRequest(
    image=REQUEST.image,
    hosts=(Host(name="web-1", instance="i-1", address="10.0.0.1"),),
    wave_size=1,
    target_group=ARNS.target_group.replace("*", "1"),
    port=8000,
    url=REQUEST.url,
    websocket_url="",
    drain_seconds=300,
    health_retries=3,
    health_interval_seconds=10,
    migrate="",
    compose="",
    nginx="",
    variables={},
    alarms=(f"{NAMES.base}-errors",),
    table=NAMES.table,
    region=ARNS.region,
    passes=3,
    timeout_seconds=600,
    project=Project(name="app", directory="/opt/app", region=ARNS.region),
    access=HostAccess(
        method="ssh", key_parameter=NAMES.ssh_key, host_keys_prefix=NAMES.host_keys, security_group="sg-1"
    ),
)


@pytest.mark.parametrize("method", ["ssh", "ssm"])
def test_a_fleets_role_may_do_what_its_release_asks_for(method: str) -> None:
    request = replace(ROLLING, access=replace(ROLLING.access, method=method))
    policy = policies_fleet.release_policy(ARNS, instances=["i-1"], security_group="sg-1", method=method, backend=None)
    granted = [
        (action, resource if isinstance(resource, str) else "*")
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    for need in rolling_needs(request, ARNS.account):
        for action in need.actions:
            fitting = [one for one in granted if one[0] == action and fnmatchcase(need.resource, one[1])]
            assert fitting, f"{action} on {need.resource}"
