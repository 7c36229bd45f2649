"""The release as GitHub's role, with IAM enforced: enough, nothing missing unnoticed, and nothing beyond."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from actions.permissions import needs
from actions.request import from_environment
from tests.cloud.github_role import assume, subject_of
from tests.cloud.project import Project
from tests.cloud.session import LocalSession

ROLE = "LiveInsight-github-release"


@pytest.fixture(scope="module")
def subject(aws: LocalSession) -> str:
    return subject_of(aws, ROLE)


@pytest.fixture
def as_role(released: Project, aws: LocalSession, subject: str) -> Iterator[dict[str, str]]:
    yield assume(aws, released, subject)


def test_the_role_releases(released: Project, as_role: dict[str, str], other: str) -> None:
    released.set("imageTag", other)
    released.pulumi("up", "--yes", "--skip-preview", environment=as_role)
    assert released.output("release")["image_tag"] == other


def test_another_repository_cannot_take_the_role(released: Project, aws: LocalSession, subject: str) -> None:
    stranger = "repo:somebody/else:" + subject.split(":", 2)[2]
    with pytest.raises(ClientError, match="AssumeRoleWithWebIdentity"):
        assume(aws, released, stranger)


def release_environment(project: Project) -> dict[str, str]:
    """What `pulumi up` gave the release action last."""
    state = json.loads(project.pulumi("stack", "export").stdout)
    resources = state["deployment"]["resources"]
    command = next(entry for entry in resources if entry["type"] == "command:local:Command")
    return dict(command["inputs"]["environment"])


def test_each_missing_permission_is_named_before_anything_moves(
    released: Project, aws: LocalSession, as_role: dict[str, str], now: str, other: str
) -> None:
    iam, ecs = aws.client("iam"), aws.client("ecs")
    environment = {**release_environment(released), **as_role}
    environment["IMAGE"] = environment["IMAGE"].replace(f":{now}", f":{other}")
    before = ecs.describe_services(cluster="LiveInsight-cluster", services=["LiveInsight-service"])["services"][0]
    for action in required_actions(environment, aws):
        deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        iam.put_role_policy(RoleName=ROLE, PolicyName="without", PolicyDocument=json.dumps(deny))
        try:
            done = released.run("python", "-m", "actions.release_ecs", check=False, environment=environment)
        finally:
            iam.delete_role_policy(RoleName=ROLE, PolicyName="without")
        assert done.returncode != 0, f"released without {action}"
        assert action in done.stdout, f"{action} is not named:\n{done.stdout}"
    after = ecs.describe_services(cluster="LiveInsight-cluster", services=["LiveInsight-service"])["services"][0]
    assert after["taskDefinition"] == before["taskDefinition"]


def required_actions(environment: dict[str, str], aws: LocalSession) -> list[str]:
    """All that the release calls; simulation itself is one of them."""
    account = aws.client("sts").get_caller_identity()["Account"]
    roles = (f"arn:aws:iam::{account}:role/LiveInsight-execution",)
    wanted = needs(from_environment(environment), account, roles, "/ecs/LiveInsight")
    return sorted({action for need in wanted for action in need.actions} | {"iam:SimulatePrincipalPolicy"})


OUTSIDE: dict[str, Callable[[Any], Any]] = {
    "ecs:DeleteService": lambda aws: aws.client("ecs").delete_service(
        cluster="LiveInsight-cluster", service="LiveInsight-service", force=True
    ),
    "ecr:DeleteRepository": lambda aws: aws.client("ecr").delete_repository(repositoryName="liveinsight-app"),
    "ssm:GetParameter": lambda aws: aws.client("ssm").get_parameter(Name="/LiveInsight/local/SECRET_KEY"),
    "iam:CreateUser": lambda aws: aws.client("iam").create_user(UserName="intruder"),
    "iam:PutRolePolicy": lambda aws: aws.client("iam").put_role_policy(
        RoleName=ROLE, PolicyName="more", PolicyDocument='{"Version":"2012-10-17","Statement":[]}'
    ),
    "elasticloadbalancing:DeleteLoadBalancer": lambda aws: aws.client("elbv2").delete_load_balancer(
        LoadBalancerArn=aws_arn("elasticloadbalancing", "loadbalancer/app/LiveInsight-alb/0")
    ),
    "ecs:UpdateService": lambda aws: aws.client("ecs").update_service(
        cluster="LiveInsight-cluster", service="another-service", desiredCount=0
    ),
}


def aws_arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:000000000000:{resource}"


@pytest.mark.parametrize("action", OUTSIDE)
def test_what_lies_outside_is_refused(cloud: dict[str, str], as_role: dict[str, str], action: str) -> None:
    with pytest.raises(ClientError, match=f"not authorized to perform: {action} "):
        OUTSIDE[action](LocalSession({**cloud, **as_role}))
