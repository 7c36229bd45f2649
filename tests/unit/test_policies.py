"""The IAM documents: exactly what is needed, on exactly what it is needed for."""

import json
from typing import Any

import pytest

from components import policies
from components.arns import Arns
from components.naming import LONGEST_NAME, Names
from components.policies import Backend

NAMES = Names(base="LiveInsight", environment="prod")
ARNS = Arns(account="123456789012", region="us-east-1", names=NAMES, repository_name="liveinsight-app")
BACKEND = Backend(bucket="state", kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1")
PARAMETERS = ["/LiveInsight/prod/DEBUG", "/LiveInsight/prod/SECRET_KEY"]
REGIONAL = "us-east-1:123456789012"


def on(resource: str, *actions: str) -> dict[str, list[str]]:
    """Each of the actions, allowed on one resource."""
    return {action: [resource] for action in actions}


ECS_SERVICE = "LiveInsight-cluster/LiveInsight-service"
TASK_ROLES = [f"arn:aws:iam::123456789012:role/LiveInsight-{role}" for role in ("execution", "task")]
RELEASE = {
    **on(
        "*",
        *("ecr:GetAuthorizationToken", "ecs:ListTasks", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"),
        *("ecs:DeregisterTaskDefinition", "elasticloadbalancing:DescribeTargetHealth", "ssm:DescribeParameters"),
    ),
    **on(
        f"arn:aws:ecr:{REGIONAL}:repository/liveinsight-app",
        *("ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:PutImage"),
        *("ecr:CompleteLayerUpload", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"),
    ),
    **on(
        f"arn:aws:ecs:{REGIONAL}:service/{ECS_SERVICE}",
        *("ecs:DescribeServices", "ecs:UpdateService", "ecs:ListServiceDeployments"),
    ),
    **on(
        f"arn:aws:ecs:{REGIONAL}:service-deployment/{ECS_SERVICE}/*",
        *("ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"),
    ),
    **on(f"arn:aws:ecs:{REGIONAL}:service-revision/{ECS_SERVICE}/*", "ecs:DescribeServiceRevisions"),
    **on(f"arn:aws:ecs:{REGIONAL}:task/LiveInsight-cluster/*", "ecs:DescribeTasks"),
    **on(f"arn:aws:ecs:{REGIONAL}:task-definition/LiveInsight:*", "ecs:TagResource"),
    **on(f"arn:aws:cloudwatch:{REGIONAL}:alarm:LiveInsight-*", "cloudwatch:DescribeAlarms"),
    **on(f"arn:aws:logs:{REGIONAL}:log-group:*", "logs:DescribeLogGroups"),
    **on(f"arn:aws:logs:{REGIONAL}:log-group:/ecs/LiveInsight:log-stream:*", "logs:GetLogEvents"),
    **on(
        f"arn:aws:dynamodb:{REGIONAL}:table/LiveInsight-releases",
        *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    ),
    "iam:GetRole": TASK_ROLES,
    "iam:PassRole": TASK_ROLES,
    "iam:SimulatePrincipalPolicy": [TASK_ROLES[0], "arn:aws:iam::123456789012:role/LiveInsight-github-release"],
}

DOCUMENTS = {
    "release": policies.release_policy(ARNS, BACKEND),
    "preview": policies.preview_policy(ARNS, PARAMETERS[:1], BACKEND),
    "execution": policies.execution_policy(ARNS, PARAMETERS),
}


def granted(document: dict[str, Any]) -> dict[str, list[str]]:
    return {action: statement["Resource"] for statement in document["Statement"] for action in statement["Action"]}


def statement(document: dict[str, Any], action: str) -> dict[str, Any]:
    return next(found for found in document["Statement"] if action in found["Action"])


def test_the_release_may_do_exactly_this() -> None:
    assert granted(policies.release_policy(ARNS)) == RELEASE


def test_roles_are_passed_to_tasks_only() -> None:
    passing = statement(policies.release_policy(ARNS), "iam:PassRole")
    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_tasks_of_this_cluster_only_are_listed() -> None:
    cluster = f"arn:aws:ecs:{REGIONAL}:cluster/LiveInsight-cluster"
    assert statement(policies.release_policy(ARNS), "ecs:ListTasks")["Condition"] == {
        "ArnEquals": {"ecs:cluster": cluster}
    }


def test_the_release_with_its_state_in_s3() -> None:
    more = {action: where for action, where in granted(DOCUMENTS["release"]).items() if action not in RELEASE}
    assert more == {
        **on("arn:aws:s3:::state", "s3:ListBucket"),
        **on("arn:aws:s3:::state/*", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
        **on(str(BACKEND.kms_key_arn), "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_action_is_a_wildcard_and_no_statement_is_twice(name: str) -> None:
    actions = [action for found in DOCUMENTS[name]["Statement"] for action in found["Action"]]
    assert not [action for action in actions if "*" in action]
    assert len(actions) == len(set(actions))
    sids = [found["Sid"] for found in DOCUMENTS[name]["Statement"]]
    assert len(sids) == len(set(sids))


def test_the_preview_only_reads() -> None:
    verbs = {action.partition(":")[2] for action in granted(DOCUMENTS["preview"])}
    assert not [verb for verb in verbs if not verb.startswith(("Describe", "Get", "List", "Decrypt"))]
    assert granted(DOCUMENTS["preview"])["ssm:GetParameter"] == [
        f"arn:aws:ssm:{REGIONAL}:parameter/LiveInsight/prod/DEBUG"
    ]


def test_a_task_starts_with_its_own_image_log_and_parameters() -> None:
    rights = granted(DOCUMENTS["execution"])
    assert rights["ecr:BatchGetImage"] == [ARNS.repository]
    assert rights["logs:PutLogEvents"] == [ARNS.log_streams]
    names = [f"arn:aws:ssm:{REGIONAL}:parameter{name}" for name in PARAMETERS]
    assert rights["ssm:GetParameters"] == names
    assert statement(DOCUMENTS["execution"], "kms:Decrypt")["Condition"]["StringEquals"] == {
        "kms:ViaService": "ssm.us-east-1.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": names,
    }
    assert "kms:Decrypt" not in granted(policies.execution_policy(ARNS, []))


def test_ecs_takes_the_roles_for_this_account_only() -> None:
    (trust,) = policies.ecs_task_trust(ARNS)["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}


def test_subjects_by_name_and_by_number() -> None:
    assert policies.github_subjects("org/app", "environment:prod", None, None) == ["repo:org/app:environment:prod"]
    assert policies.github_subjects("org/app", "pull_request", "1", "2") == [
        "repo:org/app:pull_request",
        "repo:org@1/app@2:pull_request",
    ]


def test_github_takes_a_role_with_exactly_these_subjects() -> None:
    (trust,) = policies.github_trust(ARNS.github, ["repo:org/app:environment:prod"])["Statement"]
    assert trust["Principal"] == {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    }
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": ["repo:org/app:environment:prod"],
        }
    }


def test_the_policies_fit_into_their_roles() -> None:
    names = Names(base="L" * LONGEST_NAME, environment="production")
    arns = Arns(account="123456789012", region="ap-southeast-2", names=names, repository_name="r" * 100)
    parameters = [names.parameter(f"VARIABLE_NUMBER_{number}") for number in range(10)]
    for document in (
        policies.release_policy(arns, BACKEND),
        policies.preview_policy(arns, parameters, BACKEND),
        policies.execution_policy(arns, parameters),
    ):
        assert len(json.dumps(document)) <= 10_240  # AWS's limit for the inline policies of a role, without blanks
