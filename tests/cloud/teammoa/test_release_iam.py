"""The release as GitHub's role, with IAM enforced: enough, nothing missing unnoticed, and nothing beyond."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from actions.rolling.needs import needs
from actions.rolling.request import from_environment
from tests.cloud.github_role import assume, subject_of
from tests.cloud.session import LocalSession
from tests.cloud.teammoa.fleet import Fleet

ROLE = "TeamMoa-github-release"


@pytest.fixture
def as_role(released: Fleet) -> dict[str, str]:
    return assume(released.aws, released.project, subject_of(released.aws, ROLE))


def test_the_role_releases(released: Fleet, as_role: dict[str, str], other: str) -> None:
    released.project.set("imageTag", other)
    released.project.pulumi("up", "--yes", "--skip-preview", environment=as_role)
    assert released.project.output("release")["image_tag"] == other


def test_each_missing_permission_is_named_before_anything_moves(
    released: Fleet, as_role: dict[str, str], now: str, other: str
) -> None:
    """All are taken away at once: every one of them is in the list."""
    iam, account = released.aws.client("iam"), released.aws.client("sts").get_caller_identity()["Account"]
    environment = {**release_environment(released), **as_role}
    environment["IMAGE"] = environment["IMAGE"].replace(f":{now}", f":{other}")
    actions = sorted({action for need in needs(from_environment(environment), account) for action in need.actions})
    kept = ("dynamodb:", "ecr:DescribeImages", "ssm:", "ec2:")  # without these it ends before the list, by name as well
    taken = [action for action in actions if not action.startswith(kept)]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": taken, "Resource": "*"}]}
    iam.put_role_policy(RoleName=ROLE, PolicyName="without", PolicyDocument=json.dumps(deny))
    try:
        done = released.project.run("python", "-m", "actions.release_rolling", check=False, environment=environment)
    finally:
        iam.delete_role_policy(RoleName=ROLE, PolicyName="without")
    assert done.returncode != 0
    missing = [action for action in taken if action not in done.stdout]
    assert not missing, f"{missing} are not named:\n{done.stdout}"
    assert released.whole()


def release_environment(fleet: Fleet) -> dict[str, str]:
    """What `pulumi up` gave the release action last."""
    resources = json.loads(fleet.project.pulumi("stack", "export").stdout)["deployment"]["resources"]
    command = next(entry for entry in resources if entry["urn"].endswith("Command::teammoa-release"))
    return dict(command["inputs"]["environment"])


OUTSIDE: dict[str, Callable[[Any], Any]] = {
    "ec2:TerminateInstances": lambda aws: aws.client("ec2").terminate_instances(InstanceIds=["i-0123456789abcdef0"]),
    "s3:DeleteBucket": lambda aws: aws.client("s3").delete_bucket(Bucket="somebody-elses"),
    "ssm:GetParameter": lambda aws: aws.client("ssm").get_parameter(Name="/TeamMoa/local/DB_PASSWORD"),
    "iam:CreateUser": lambda aws: aws.client("iam").create_user(UserName="intruder"),
}


@pytest.mark.parametrize("action", OUTSIDE)
def test_what_lies_outside_is_refused(cloud: dict[str, str], as_role: dict[str, str], action: str) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        OUTSIDE[action](LocalSession({**cloud, **as_role}))
