"""What the release role may do is what a release asks IAM about before it moves anything, and the image push."""

from typing import Any

from actions import permissions
from actions.request import EcsRequest
from components import policies
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
