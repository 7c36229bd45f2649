"""LiveInsight as a whole under strict mocks: what it declares, under which names, after what."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.autoscaling import AutoscalingArgs
from components.balancer import BalancerArgs
from components.network import OwnNetwork
from stacks.liveinsight import declare
from tests.unit.engine_double import ACCOUNT, DIGEST, Engine, Registered
from tests.unit.liveinsight_config import settings

ALL: dict[str, Any] = {
    "imageTag": "v1",
    "settings": {"GREETING": "hello"},
    "secrets": {"SECRET_KEY": "/LiveInsight/test/SECRET_KEY"},
    "autoscaling": {"max": 4, "cpuPercent": 60, "memoryPercent": 70, "requestsPerTarget": 100},
}
HTTPS: dict[str, Any] = {
    "domain": "live.example.com",
    "certificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1",
}


def declared(last_outputs: dict[str, Any] | None = None, **config: Any) -> Engine:
    return Engine(last_outputs=last_outputs or {}).run(lambda: declare(settings(**config)))


@pytest.fixture(scope="module")
def whole() -> Engine:
    return declared(**ALL)


def template(engine: Engine) -> dict[str, Any]:
    (container,) = json.loads(engine.one("aws:ecs/taskDefinition:TaskDefinition").inputs["containerDefinitions"])
    return dict(container)


def needs(engine: Engine, resource: Registered, type_: str) -> bool:
    """Whether a resource waits for one of this type, by URN."""
    return any(f"{type_}::" in urn for urn in resource.dependencies)


def test_components_have_types_of_the_project_and_children_have_them_as_parents(whole: Engine) -> None:
    components = {made.type for made in whole.made if made.type.startswith("infra-release:")}
    assert components == {
        "infra-release:network:Network",
        "infra-release:registry:Registry",
        "infra-release:records:Records",
        "infra-release:configuration:Configuration",
        "infra-release:balancer:Balancer",
        "infra-release:observability:Observability",
        "infra-release:service:EcsService",
        "infra-release:identity:Identity",
        "infra-release:release:EcsRelease",
        "infra-release:autoscaling:Autoscaling",
    }
    for made in whole.made:
        if made.type in components or made.type == "pulumi:providers:aws":
            assert made.parent.endswith("pulumi:pulumi:Stack::infra-release-liveinsight.test")
        else:
            assert made.parent.split("::")[-2].rpartition("$")[2] in components, made


def test_every_aws_resource_has_the_stacks_own_provider(whole: Engine) -> None:
    provider = whole.one("pulumi:providers:aws")
    assert provider.inputs["region"] == "us-east-1"
    assert "Environment" in str(provider.inputs["defaultTags"]) and "allowedAccountIds" not in provider.inputs
    for made in whole.made:
        if made.type.startswith("aws:"):
            assert "pulumi:providers:aws::aws" in made.provider, made


def test_the_account_is_guarded_when_it_is_named() -> None:
    engine = declared(accountId=ACCOUNT)
    assert ACCOUNT in str(engine.one("pulumi:providers:aws").inputs["allowedAccountIds"])


def test_there_are_few_resources(whole: Engine) -> None:
    assert len([made for made in whole.made if not made.type.startswith("infra-release:")]) <= 50


def test_the_names_are_the_documents(whole: Engine) -> None:
    for type_, name in (
        ("aws:ecs/cluster:Cluster", "LiveInsight-cluster"),
        ("aws:ecs/service:Service", "LiveInsight-service"),
        ("aws:lb/loadBalancer:LoadBalancer", "LiveInsight-alb"),
        ("aws:lb/targetGroup:TargetGroup", "LiveInsight-tg"),
        ("aws:ecr/repository:Repository", "liveinsight-app"),
        ("aws:dynamodb/table:Table", "LiveInsight-releases"),
        ("aws:cloudwatch/logGroup:LogGroup", "/ecs/LiveInsight"),
        ("aws:ssm/parameter:Parameter", "/LiveInsight/test/GREETING"),
    ):
        assert whole.one(type_).inputs["name"] == name
    assert whole.one("aws:ecs/taskDefinition:TaskDefinition").inputs["family"] == "LiveInsight-template"
    roles = {made.inputs["name"] for made in whole.of("aws:iam/role:Role")}
    assert roles == {f"LiveInsight-{role}" for role in ("execution", "task", "github-release", "github-preview")}


def test_the_service_is_empty_and_leaves_image_and_count_to_the_release(whole: Engine) -> None:
    service = whole.one("aws:ecs/service:Service")
    assert service.inputs["desiredCount"] == 0
    assert set(service.ignored) == {"taskDefinition", "desiredCount"}
    assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": False}
    assert service.inputs["deploymentMinimumHealthyPercent"] == 100
    assert service.inputs["healthCheckGracePeriodSeconds"] == 60
    assert "waitForSteadyState" not in service.inputs
    for type_ in ("aws:lb/listener:Listener", "SecurityGroupIngressRule", "SecurityGroupEgressRule"):
        assert needs(whole, service, type_), type_


def test_the_template_holds_everything_but_the_image(whole: Engine) -> None:
    task = whole.one("aws:ecs/taskDefinition:TaskDefinition").inputs
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("256", "512", "awsvpc")
    assert task["executionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/LiveInsight-execution"
    container = template(whole)
    assert container["name"] == "app" and container["image"] == "registry.example/liveinsight-app:unreleased"
    assert container["secrets"] == [
        {"name": "GREETING", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/LiveInsight/test/GREETING"},
        {"name": "SECRET_KEY", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/LiveInsight/test/SECRET_KEY"},
    ]
    assert container["logConfiguration"]["options"]["awslogs-group"] == "/ecs/LiveInsight"
    assert "http://127.0.0.1:8000/health/" in container["healthCheck"]["command"][1]


def test_a_changed_setting_changes_the_template_and_so_is_a_release() -> None:
    one, other = (template(declared(settings={"GREETING": text})) for text in ("hello", "good day"))
    assert one["dockerLabels"] != other["dockerLabels"]
    assert one == {**other, "dockerLabels": one["dockerLabels"]}


def test_only_the_balancer_is_open(whole: Engine) -> None:
    rules = {made.name: made.inputs for made in whole.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")}
    assert set(rules) == {"liveinsight-http-in", "liveinsight-tasks-in"}
    assert rules["liveinsight-http-in"]["fromPort"] == 80
    assert "cidrIpv4" not in rules["liveinsight-tasks-in"]
    assert rules["liveinsight-tasks-in"]["referencedSecurityGroupId"] == "sg-liveinsight-alb"


def test_health_is_asked_as_configured() -> None:
    engine = declared(healthCheck={"intervalSeconds": 5, "timeoutSeconds": 3}, deregistrationDelaySeconds=30)
    group = engine.one("aws:lb/targetGroup:TargetGroup")
    assert group.inputs["healthCheck"]["interval"] == 5 and group.inputs["healthCheck"]["timeout"] == 3
    assert group.inputs["deregistrationDelay"] == 30 and group.inputs["targetType"] == "ip"
    assert group.ignored == ("port",)


def test_without_a_certificate_http_is_answered(whole: Engine) -> None:
    listener = whole.one("aws:lb/listener:Listener")
    assert (listener.inputs["port"], listener.inputs["defaultActions"][0]["type"]) == (80, "forward")
    assert whole.exports["url"] == "http://balancer.example"


def test_with_a_certificate_http_is_sent_to_https() -> None:
    engine = declared(**HTTPS)
    http = engine.one("aws:lb/listener:Listener", "liveinsight-http").inputs
    https = engine.one("aws:lb/listener:Listener", "liveinsight-https").inputs
    assert http["defaultActions"][0]["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}
    assert (https["port"], https["certificateArn"]) == (443, HTTPS["certificateArn"])
    assert https["defaultActions"][0]["type"] == "forward"
    assert engine.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "liveinsight-https-in")
    assert needs(engine, engine.one("aws:lb/listener:Listener", "liveinsight-http"), "aws:lb/listener:Listener")
    assert engine.exports["url"] == "https://live.example.com"


def test_an_existing_network_is_used_as_it_is() -> None:
    engine = declared(vpcId="vpc-1a", subnetIds=["subnet-1", "subnet-2"])
    assert not [made for made in engine.made if made.type.startswith("aws:ec2/") and "securityGroup" not in made.type]
    assert engine.one("aws:lb/targetGroup:TargetGroup").inputs["vpcId"] == "vpc-1a"
    assert engine.one("aws:lb/loadBalancer:LoadBalancer").inputs["subnets"] == ["subnet-1", "subnet-2"]


def test_an_own_network_has_a_public_subnet_in_each_zone(whole: Engine) -> None:
    subnets = {made.inputs["availabilityZone"]: made.inputs["cidrBlock"] for made in whole.of("aws:ec2/subnet:Subnet")}
    assert subnets == {"us-east-1a": "10.20.0.0/24", "us-east-1b": "10.20.1.0/24"}
    assert whole.one("aws:ec2/route:Route").inputs["destinationCidrBlock"] == "0.0.0.0/0"


def test_a_release_comes_after_all_it_needs(whole: Engine) -> None:
    command = whole.one("command:local:Command")
    component = whole.one("infra-release:release:EcsRelease")
    assert command.inputs["environment"]["IMAGE"] == "registry.example/liveinsight-app:v1"
    assert command.inputs["environment"]["URL"] == "http://balancer.example/health/"
    assert (
        command.inputs["environment"]["ALARMS"]
        == "LiveInsight-errors,LiveInsight-latency,LiveInsight-unhealthy-targets"
    )
    waited = " ".join(component.dependencies | command.dependencies)
    for type_ in (
        *(
            "ecs/service:Service",
            "ecs/taskDefinition:TaskDefinition",
            "lb/listener:Listener",
            "iam/rolePolicy:RolePolicy",
        ),
        *(
            "cloudwatch/logGroup:LogGroup",
            "ssm/parameter:Parameter",
            "dynamodb/table:Table",
            "ecr/repository:Repository",
        ),
    ):
        assert f"aws:{type_}::" in waited, type_
    assert whole.exports["imageTag"] == "v1" and whole.exports["release"]["digest"] == DIGEST


def test_without_a_tag_the_last_release_stays() -> None:
    engine = declared(last_outputs={"imageTag": "v7"})
    assert engine.one("command:local:Command").inputs["environment"]["IMAGE"].endswith(":v7")


def test_without_a_tag_and_a_last_release_there_is_none() -> None:
    engine = declared(**{**ALL, "imageTag": None})
    assert not engine.of("command:local:Command")
    assert not engine.of("aws:appautoscaling/target:Target")  # it would start tasks of an image that does not exist
    assert "imageTag" not in engine.exports and engine.exports["url"] == "http://balancer.example"


def test_with_a_tag_nobody_asks_for_the_last_one(whole: Engine) -> None:
    assert whole.calls == ["aws:index/getCallerIdentity:getCallerIdentity"]


def test_autoscaling_comes_after_the_release(whole: Engine) -> None:
    target = whole.one("aws:appautoscaling/target:Target")
    component = whole.one("infra-release:autoscaling:Autoscaling")
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 4)
    assert target.inputs["resourceId"] == "service/LiveInsight-cluster/LiveInsight-service"
    assert "command:local:Command::" in " ".join(target.dependencies | component.dependencies)
    policies = {
        made.inputs["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"][
            "predefinedMetricType"
        ]: made
        for made in whole.of("aws:appautoscaling/policy:Policy")
    }
    assert set(policies) == {
        "ECSServiceAverageCPUUtilization",
        "ECSServiceAverageMemoryUtilization",
        "ALBRequestCountPerTarget",
    }
    requests = policies["ALBRequestCountPerTarget"].inputs["targetTrackingScalingPolicyConfiguration"]
    assert (
        requests["predefinedMetricSpecification"]["resourceLabel"]
        == "app/LiveInsight-alb/1/targetgroup/LiveInsight-tg/1"
    )


def test_autoscaling_is_declared_only_when_asked_for() -> None:
    assert not declared(imageTag="v1").of("aws:appautoscaling/target:Target")


@pytest.mark.parametrize("protected", [True, False])
def test_what_must_not_be_lost_is_protected(protected: bool) -> None:
    engine = declared(deletionProtection=protected)
    assert engine.one("aws:lb/loadBalancer:LoadBalancer").inputs["enableDeletionProtection"] is protected
    assert engine.one("aws:ecr/repository:Repository").inputs["forceDelete"] is not protected
    table = engine.one("aws:dynamodb/table:Table").inputs
    assert table["deletionProtectionEnabled"] is protected and table["pointInTimeRecovery"] == {"enabled": protected}


def test_release_tags_never_move(whole: Engine) -> None:
    repository = whole.one("aws:ecr/repository:Repository").inputs
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert repository["imageTagMutabilityExclusionFilters"] == [{"filter": "latest", "filterType": "WILDCARD"}]
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    rules = json.loads(whole.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs["policy"])["rules"]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "tagged"]


def test_the_roles_of_github_are_for_one_environment_and_for_pull_requests(whole: Engine) -> None:
    subjects = {
        made.inputs["name"]: json.loads(made.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
        for made in whole.of("aws:iam/role:Role")
        if "github" in made.inputs["name"]
    }
    sub = "token.actions.githubusercontent.com:sub"
    assert subjects["LiveInsight-github-release"][sub] == ["repo:your-org/your-repository:environment:test"]
    assert subjects["LiveInsight-github-preview"][sub] == ["repo:your-org/your-repository:pull_request"]
    assert whole.exports["githubRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/LiveInsight-github-release"


def test_an_account_has_one_provider_of_tokens() -> None:
    engine = declared(createOidcProvider=False)
    assert not engine.of("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    trust = engine.one("aws:iam/role:Role", "liveinsight-release").inputs["assumeRolePolicy"]
    assert f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com" in trust


def test_alarms_speak_to_the_topic() -> None:
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
    alarms = declared(alarms={"topicArn": topic, "errorCount": 3}).of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {made.inputs["name"].removeprefix("LiveInsight-") for made in alarms} == {
        *("errors", "latency", "unhealthy-targets", "cpu", "memory")
    }
    for made in alarms:
        assert made.inputs["alarmActions"] == made.inputs["okActions"] == [topic]
        assert made.inputs["treatMissingData"] == "notBreaching"
    errors = next(made for made in alarms if made.name == "liveinsight-errors")
    assert errors.inputs["threshold"] == 3 and errors.inputs["dimensions"]["LoadBalancer"] == "app/LiveInsight-alb/1"


def test_the_dashboard_is_a_document_of_cloudwatch(whole: Engine) -> None:
    body = json.loads(whole.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    places = {(widget["x"], widget["y"]) for widget in body["widgets"]}
    assert len(places) == len(body["widgets"]) == 7
    assert all(widget["x"] + widget["width"] <= 24 for widget in body["widgets"])


def test_no_secrets_value_is_asked_for(whole: Engine) -> None:
    assert len(whole.of("aws:ssm/parameter:Parameter")) == 1  # the setting; the secret is somebody else's


def test_the_import_guide_names_what_is_declared(whole: Engine) -> None:
    guide = Path("docs/import-liveinsight.md").read_text()
    listed = json.loads(guide.partition("```json")[2].partition("```")[0])["resources"]
    components = {entry["name"]: entry["type"] for entry in listed if entry.get("component")}
    for entry in listed:
        made = whole.one(entry["type"], entry.get("logicalName", entry["name"]))
        if not entry.get("component"):
            assert components[entry["parent"]] in made.parent
    for type_, name in re.findall(r"^\| `(aws:[^`]+)`[^|]*\| `([^`]+)`", guide, re.MULTILINE):
        assert (type_, name) in whole.names()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OwnNetwork(cidr="10.0.0.0/16", zones=("us-east-1a",)), "a load balancer needs two zones, got 1"),
        (lambda: balancer_args(domain="live.example.com"), "got None and live.example.com"),
        (lambda: autoscaling_args(min=3, max=2), "got 3 to 2"),
        (lambda: autoscaling_args(min=0, max=2), "got 0 to 2"),
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def balancer_args(**changed: Any) -> BalancerArgs:
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(BalancerArgs))
    return BalancerArgs(**{**values, **changed})


def autoscaling_args(**changed: Any) -> AutoscalingArgs:
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(AutoscalingArgs))
    return AutoscalingArgs(**{**values, **changed})


def test_an_unknown_type_is_refused() -> None:
    import pulumi

    def program() -> None:
        pulumi.CustomResource("aws:sqs/queue:Queue", "stray", {})

    with pytest.raises(Exception, match="aws:sqs/queue:Queue, which nobody knows"):
        Engine().run(program)
