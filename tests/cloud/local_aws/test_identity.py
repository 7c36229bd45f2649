"""Who may do what: signatures, web identity, refusals that name action and resource, simulation."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.local_aws.conftest import Cloud
from tests.cloud.local_aws.principals import ISSUER, make_role, role_keys, token

SERVICE = "arn:aws:ecs:us-east-1:000000000000:service/cluster/app"


@pytest.fixture(scope="module")
def web_role(local_cloud: Cloud) -> str:
    provider = local_cloud.client("iam").create_open_id_connect_provider(
        Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    condition = {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{ISSUER}:sub": "repo:org/app:*"},
    }
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    return make_role(local_cloud, "web", trust=trust)


def assume(cloud: Cloud, role: str, web_token: str) -> Any:
    return cloud.client("sts").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="run-1", WebIdentityToken=web_token
    )


def test_a_trusted_token_becomes_the_role(local_cloud: Cloud, web_role: str) -> None:
    keys = assume(local_cloud, web_role, token())["Credentials"]
    client = local_cloud.client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert client.get_caller_identity()["Arn"] == "arn:aws:sts::000000000000:assumed-role/web/run-1"


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"sub": "repo:somebody/else:ref:refs/heads/main"}, "AccessDenied.*AssumeRoleWithWebIdentity"),
        ({"aud": "another"}, "Incorrect token audience"),
        ({"iss": "https://issuer.example.org"}, "No OpenIDConnect provider found"),
        ({"exp": 1000}, "ExpiredToken"),
        ({"sub": None}, "not a valid JWT"),
    ],
)
def test_other_tokens_are_refused(local_cloud: Cloud, web_role: str, claims: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        assume(local_cloud, web_role, token(**claims))


@pytest.mark.parametrize("keys", [("test", "test"), ("000000000000", "x"), ("AKIAAAAAAAAAAAAAAAAA", "x")])
def test_unknown_keys_are_nobody(local_cloud: Cloud, keys: tuple[str, str]) -> None:
    with pytest.raises(ClientError, match="invalid"):
        local_cloud.client("iam", *keys).list_roles()


def test_a_wrong_signature_is_refused(local_cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        local_cloud.client("iam", local_cloud.keys[0], "wrong").list_roles()


def test_refusals_name_action_and_resource(local_cloud: Cloud) -> None:
    keys = role_keys(local_cloud, "reader", (["ecs:DescribeServices"], SERVICE))
    ecs = local_cloud.client("ecs", *keys)
    with pytest.raises(ClientError) as refused:
        ecs.update_service(cluster="cluster", service="app", desiredCount=1)
    message = refused.value.response["Error"]["Message"]
    assert f"assumed-role/reader/test is not authorized to perform: ecs:UpdateService on resource: {SERVICE}" in message
    with pytest.raises(ClientError, match="ecs:DescribeServices on resource"):
        ecs.describe_services(cluster="cluster", services=["app", "other"])
    with pytest.raises(ClientError, match="ClusterNotFound"):
        ecs.describe_services(cluster="cluster", services=["app"])


@pytest.mark.parametrize(
    ("service", "call", "arguments", "grant", "resource"),
    [
        (
            "logs",
            "describe_log_groups",
            {},
            "logs:DescribeLogGroups",
            "arn:aws:logs:us-east-1:000000000000:log-group:*",
        ),
        (
            "cloudwatch",
            "describe_alarms",
            {"AlarmNames": ["app-errors"]},
            "cloudwatch:DescribeAlarms",
            "arn:aws:cloudwatch:us-east-1:000000000000:alarm:app-*",
        ),
        ("elbv2", "describe_load_balancers", {}, "elasticloadbalancing:DescribeLoadBalancers", "*"),
        (
            "ssm",
            "get_parameters",
            {"Names": ["/app/a", "/app/b"]},
            "ssm:GetParameters",
            "arn:aws:ssm:us-east-1:000000000000:parameter/app/*",
        ),
        (
            "codebuild",
            "batch_get_builds",
            {"ids": ["app:1", "app:2"]},
            "codebuild:BatchGetBuilds",
            "arn:aws:codebuild:us-east-1:000000000000:project/app",
        ),
    ],
)
def test_resources_are_aws_ones(
    local_cloud: Cloud, service: str, call: str, arguments: dict[str, Any], grant: str, resource: str
) -> None:
    allowed = role_keys(local_cloud, f"may-{service}", ([grant], resource))
    getattr(local_cloud.client(service, *allowed), call)(**arguments)
    other = role_keys(local_cloud, f"may-not-{service}", ([grant], "arn:aws:x:us-east-1:000000000000:other"))
    with pytest.raises(ClientError, match=grant):
        getattr(local_cloud.client(service, *other), call)(**arguments)


def test_tasks_are_listed_in_the_granted_cluster_only(local_cloud: Cloud) -> None:
    local_cloud.client("ecs").create_cluster(clusterName="mine")
    iam = local_cloud.client("iam")
    keys = role_keys(local_cloud, "lister")
    policy = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecs:ListTasks","Resource":"*",'
        '"Condition":{"ArnEquals":{"ecs:cluster":"arn:aws:ecs:us-east-1:000000000000:cluster/mine"}}}}'
    )
    iam.put_role_policy(RoleName="lister", PolicyName="own", PolicyDocument=policy)
    ecs = local_cloud.client("ecs", *keys)
    assert ecs.list_tasks(cluster="mine")["taskArns"] == []
    with pytest.raises(ClientError, match="ecs:ListTasks"):
        ecs.list_tasks(cluster="other")


def test_figures_are_put_into_the_granted_namespace_only(local_cloud: Cloud) -> None:
    keys = role_keys(local_cloud, "measurer")
    policy = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",'
        '"Condition":{"StringEquals":{"cloudwatch:namespace":"Mine"}}}}'
    )
    local_cloud.client("iam").put_role_policy(RoleName="measurer", PolicyName="own", PolicyDocument=policy)
    cloudwatch = local_cloud.client("cloudwatch", *keys)
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1.0}])
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
        cloudwatch.put_metric_data(Namespace="Others", MetricData=[{"MetricName": "m", "Value": 1.0}])


def test_a_task_definition_needs_the_right_to_pass_its_roles_and_to_tag_it(local_cloud: Cloud) -> None:
    execution = make_role(local_cloud, "execution")
    keys = role_keys(local_cloud, "definer", (["ecs:RegisterTaskDefinition"], "*"))
    ecs = local_cloud.client("ecs", *keys)
    definition = {"family": "f", "containerDefinitions": [{"name": "a", "image": "a"}]}
    ecs.register_task_definition(**definition)
    with pytest.raises(ClientError, match=rf"iam:PassRole on resource: {execution}"):
        ecs.register_task_definition(**definition, executionRoleArn=execution)
    with pytest.raises(ClientError, match=r"ecs:TagResource on resource: .*:task-definition/f:\*"):
        ecs.register_task_definition(**definition, tags=[{"key": "a", "value": "b"}])


def test_simulation_tells_every_action_on_every_resource(local_cloud: Cloud) -> None:
    role = make_role(local_cloud, "simulated", (["ecs:UpdateService", "ecs:DescribeServices"], SERVICE))
    iam = local_cloud.client("iam")
    found = iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=["ecs:UpdateService", "ecs:DeleteService"],
        ResourceArns=[SERVICE, SERVICE + "-2"],
    )["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalResourceName"][-5:], one["EvalDecision"]) for one in found] == [
        ("ecs:UpdateService", "r/app", "allowed"),
        ("ecs:UpdateService", "app-2", "implicitDeny"),
        ("ecs:DeleteService", "r/app", "implicitDeny"),
        ("ecs:DeleteService", "app-2", "implicitDeny"),
    ]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=role + "x", ActionNames=["ecs:UpdateService"])


def test_the_state_of_an_alarm_can_be_set(local_cloud: Cloud) -> None:
    watch = local_cloud.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="set",
        Namespace="Test",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    for state in ("ALARM", "OK"):
        watch.set_alarm_state(AlarmName="set", StateValue=state, StateReason="test")
        assert watch.describe_alarms(AlarmNames=["set"])["MetricAlarms"][0]["StateValue"] == state
