"""TeamMoa as a whole under strict mocks: what it declares, under which names, after what."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from components.fleet import ExistingHosts
from components.host_access import HostAccess
from stacks.teammoa import declare
from tests.unit.engine_double import ACCOUNT, DIGEST, Engine, Registered
from tests.unit.teammoa_config import NEEDED, settings

ALL: dict[str, Any] = {
    "imageTag": "v1",
    "region": "us-east-1",
    "certificateDomain": "teammoa.example.com",
    "websocketPath": "/ws/echo/",
    "rolling": {"migrate": "python manage.py migrate --noinput"},
    "nginxImage": "registry/teammoa-nginx:1.25",
    "budget": {"monthlyUsd": 60, "email": "team@example.com"},
}
MANAGED: dict[str, Any] = {"mode": "managed", "databaseHost": "db.example.com", "redisHost": "redis.example.com"}
EXISTING: dict[str, Any] = {"vpcId": "vpc-1a", "subnetIds": ["subnet-1", "subnet-2"], "securityGroupId": "sg-1a"}
LOOKUPS = {
    *("ssm:GetParameter", "acm:ListCertificates", "acm:DescribeCertificate", "acm:GetCertificate"),
    "acm:ListTagsForCertificate",
    *("ec2:DescribeInstances", "ec2:DescribeVolumes"),
}
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def declared(last_outputs: dict[str, Any] | None = None, **config: Any) -> Engine:
    engine = Engine(last_outputs=last_outputs or {}, stack="teammoa.test")
    return engine.run(lambda: declare(settings(**config)))


@pytest.fixture(scope="module")
def whole() -> Engine:
    return declared(**ALL)


def environment(engine: Engine, name: str = "teammoa-release") -> dict[str, Any]:
    return dict(engine.one("command:local:Command", name).inputs["environment"])


def allowed(engine: Engine, role: str) -> dict[str, Any]:
    """Action → resources, of the one policy of a role."""
    made = next(made for made in engine.of("aws:iam/rolePolicy:RolePolicy") if made.inputs["name"] == role)
    return {
        action: [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
        for statement in json.loads(made.inputs["policy"])["Statement"]
        for action in statement["Action"]
    }


def needs(engine: Engine, resource: Registered, type_: str) -> bool:
    """Whether a resource, or the component it is in, waits for one of this type."""
    parents = [made for made in engine.made if resource.parent.endswith(f"{made.type}::{made.name}")]
    waited = set(resource.dependencies).union(*(parent.dependencies for parent in parents))
    return any(f"{type_}::" in urn for urn in waited)


def test_components_have_types_of_the_project_and_children_have_them_as_parents(whole: Engine) -> None:
    components = {made.type for made in whole.made if made.type.startswith("infra-release:")}
    for made in whole.made:
        if made.type == "infra-release:machine:Machine":
            assert "infra-release:fleet:Fleet" in made.parent or "infra-release:data:DataHost" in made.parent
        elif made.type in components or made.type == "pulumi:providers:aws":
            assert made.parent.endswith("pulumi:pulumi:Stack::infra-release-teammoa.test")
        else:
            assert made.parent.split("::")[-2].rpartition("$")[2] in components, made


def test_every_aws_resource_has_the_stacks_own_provider(whole: Engine) -> None:
    for made in whole.made:
        if made.type.startswith("aws:"):
            assert "pulumi:providers:aws::aws" in made.provider, made


def test_the_names_are_the_documents(whole: Engine) -> None:
    for type_, name in (
        ("aws:lb/loadBalancer:LoadBalancer", "TeamMoa-alb"),
        ("aws:lb/targetGroup:TargetGroup", "TeamMoa-tg"),
        ("aws:ecr/repository:Repository", "teammoa-web"),
        ("aws:dynamodb/table:Table", "TeamMoa-releases"),
    ):
        assert whole.one(type_).inputs["name"] == name
    assert whole.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "10.0.0.0/16"


def test_the_balancer_is_the_documents(whole: Engine) -> None:
    group = whole.one("aws:lb/targetGroup:TargetGroup").inputs
    assert (group["targetType"], group["port"], group["protocol"]) == ("instance", 8000, "HTTP")
    check = group["healthCheck"]
    assert (check["path"], check["interval"], check["timeout"], check["matcher"]) == ("/health/", 30, 5, "200")
    assert (check["healthyThreshold"], check["unhealthyThreshold"]) == (2, 3)
    assert group["stickiness"] == {
        "type": "app_cookie",
        "enabled": True,
        "cookieName": "sessionid",
        "cookieDuration": 86400,
    }
    assert group["deregistrationDelay"] == 300
    assert whole.one("aws:lb/loadBalancer:LoadBalancer").inputs["idleTimeout"] == 3600


def test_https_is_answered_with_the_newest_certificate_of_the_domain(whole: Engine) -> None:
    https = whole.one("aws:lb/listener:Listener", "teammoa-https").inputs
    http = whole.one("aws:lb/listener:Listener", "teammoa-http").inputs
    assert https["certificateArn"].endswith("certificate/of-teammoa.example.com")
    assert http["defaultActions"][0]["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}
    assert whole.exports["url"] == "https://balancer.example"


def test_a_domain_is_what_users_say() -> None:
    engine = declared(imageTag="v1", certificateDomain="example.com", domain="teammoa.example.com")
    assert engine.exports["url"] == "https://teammoa.example.com"
    assert environment(engine)["URL"] == "https://teammoa.example.com/health/"


def test_without_a_certificate_http_is_answered() -> None:
    engine = declared(websocketPath="/ws/")
    assert engine.exports["url"] == "http://balancer.example"
    assert engine.one("aws:lb/listener:Listener").inputs["defaultActions"][0]["type"] == "forward"


def test_hosts_are_let_into_by_the_balancer_only(whole: Engine) -> None:
    rules = {made.name: made.inputs for made in whole.of(INGRESS)}
    assert set(rules) == {f"teammoa-{role}-in" for role in ("http", "https", "hosts", "mysql", "redis")}
    assert all(rule["fromPort"] != 22 for rule in rules.values())
    hosts = rules["teammoa-hosts-in"]
    assert (hosts["fromPort"], hosts["toPort"]) == (8000, 8000)
    assert hosts["referencedSecurityGroupId"] == "sg-teammoa-alb" and "cidrIpv4" not in hosts
    (to_hosts,) = [made.inputs for made in whole.of(EGRESS) if made.inputs["securityGroupId"] == "sg-teammoa-alb"]
    assert to_hosts["referencedSecurityGroupId"] == "sg-teammoa-hosts"


def test_the_data_host_is_reached_by_the_hosts_that_serve_only(whole: Engine) -> None:
    into = [made.inputs for made in whole.of(INGRESS) if made.inputs["securityGroupId"] == "sg-teammoa-data"]
    assert {rule["fromPort"] for rule in into} == {3306, 6379}
    assert {rule["referencedSecurityGroupId"] for rule in into} == {"sg-teammoa-hosts"}
    assert not any("cidrIpv4" in rule for rule in into)


def test_hosts_stand_in_both_zones_and_are_known_by_their_role(whole: Engine) -> None:
    hosts = {made.name: made for made in whole.of("aws:ec2/instance:Instance")}
    assert set(hosts) == {"teammoa-web-1", "teammoa-web-2", "teammoa-data"}
    assert {hosts[f"teammoa-web-{place}"].inputs["subnetId"] for place in (1, 2)} == {
        "subnet-teammoa-subnet-a",
        "subnet-teammoa-subnet-b",
    }
    for name, made in hosts.items():
        assert made.inputs["metadataOptions"]["httpTokens"] == "required"
        assert made.inputs["metadataOptions"]["httpPutResponseHopLimit"] == 1
        assert made.inputs["rootBlockDevice"]["encrypted"] is True
        assert made.inputs["ami"] == "ami-0a1b"
        assert "keyName" not in made.inputs
        assert set(made.ignored) == {"ami", "userData"}
        role = "data" if name == "teammoa-data" else "web"
        assert made.inputs["iamInstanceProfile"] == f"TeamMoa-{role}"
        assert needs(whole, made, EGRESS) and needs(whole, made, "aws:iam/rolePolicy:RolePolicy")


def test_hosts_are_made_when_the_key_that_enters_them_is_there(whole: Engine) -> None:
    fleet = whole.one("infra-release:fleet:Fleet")
    data = whole.one("infra-release:data:DataHost")
    for component in (fleet, data):
        assert any("teammoa-deploying-key" in urn for urn in component.dependencies)


def test_the_state_holds_no_secret(whole: Engine) -> None:
    said = json.dumps([made.inputs for made in whole.made], default=str)
    assert "PRIVATE KEY" not in said
    assert {made.inputs["name"] for made in whole.of("aws:ssm/parameter:Parameter")} == {
        f"/TeamMoa/test/{variable}" for variable in ("DB_NAME", "DB_USER", "DB_HOST", "REDIS_HOST")
    }


def test_a_release_comes_after_all_it_needs(whole: Engine) -> None:
    command = whole.one("command:local:Command", "teammoa-release")
    for type_ in (
        *("aws:ec2/instance:Instance", "aws:lb/listener:Listener"),
        *("aws:ssm/parameter:Parameter", "aws:dynamodb/table:Table", "aws:ecr/repository:Repository"),
        *("aws:cloudwatch/metricAlarm:MetricAlarm", "command:local:Command", INGRESS, EGRESS),
    ):
        assert needs(whole, command, type_), type_
    component = whole.one("infra-release:release:RollingRelease")
    assert any("command:local:Command::teammoa-data" in urn for urn in component.dependencies)
    assert whole.exports["imageTag"] == "v1" and whole.exports["release"]["digest"] == DIGEST


def test_a_release_knows_its_hosts_and_shows_its_waves(whole: Engine) -> None:
    given = environment(whole)
    assert given["IMAGE"] == "registry.example/teammoa-web:v1"
    assert given["WAVES"] == "web-1 | web-2"
    assert [host["name"] for host in json.loads(given["HOSTS"])] == ["web-1", "web-2"]
    assert json.loads(given["HOSTS"])[0]["instance"] == "i-teammoa-web-1"
    assert given["URL"] == "https://balancer.example/health/"
    assert given["WEBSOCKET_URL"] == "wss://balancer.example/ws/echo/"
    assert (given["DRAIN_SECONDS"], given["HEALTH_RETRIES"], given["HEALTH_INTERVAL_SECONDS"]) == ("300", "3", "10")
    assert given["SECURITY_GROUP"] == "sg-teammoa-hosts"
    assert given["ALARMS"] == "TeamMoa-errors,TeamMoa-latency,TeamMoa-unhealthy-targets"
    assert json.loads(given["VARIABLES"]) == {
        **{name: f"/TeamMoa/test/{name}" for name in ("DB_HOST", "DB_NAME", "DB_USER", "REDIS_HOST")},
        **NEEDED["secrets"],
    }


def test_the_order_and_the_waves_are_the_configurations() -> None:
    rolling = {"waveSize": 2, "order": ["web-3", "web-2", "web-1"]}
    given = environment(declared(imageTag="v1", hostCount=3, rolling=rolling))
    assert given["WAVES"] == "web-3 web-2 | web-1"
    assert [host["name"] for host in json.loads(given["HOSTS"])] == ["web-3", "web-2", "web-1"]


def test_images_of_the_own_registry_are_named_by_its_address(whole: Engine) -> None:
    services = yaml.safe_load(environment(whole)["COMPOSE"])["services"]
    assert services["nginx"]["image"] == "registry.example/teammoa-nginx:1.25"
    assert services["web"]["image"] == "${IMAGE}"
    data = yaml.safe_load(environment(whole, "teammoa-data")["COMPOSE"])["services"]
    assert (data["database"]["image"], data["redis"]["image"]) == ("mysql:8.0", "redis:7-alpine")


def test_a_changed_setting_is_a_release() -> None:
    one, other = (
        environment(declared(imageTag="v1", settings={**NEEDED["settings"], "GREETING": text}))["COMPOSE"]
        for text in ("hello", "good day")
    )
    labels = [yaml.safe_load(text)["services"]["web"].pop("labels") for text in (one, other)]
    assert labels[0] != labels[1]


def test_the_data_host_is_told_what_mysql_asks_for(whole: Engine) -> None:
    given = environment(whole, "teammoa-data")
    assert json.loads(given["VARIABLES"]) == {
        "MYSQL_DATABASE": "/TeamMoa/test/DB_NAME",
        "MYSQL_USER": "/TeamMoa/test/DB_USER",
        "MYSQL_PASSWORD": "/TeamMoa/test/DB_PASSWORD",
        "MYSQL_ROOT_PASSWORD": "/TeamMoa/test/DB_PASSWORD",
    }
    assert json.loads(given["HOST"])["name"] == "data" and given["SECURITY_GROUP"] == "sg-teammoa-data"
    assert given["BACKUP_BUCKET"] == f"teammoa-test-backups-{ACCOUNT}"
    command = whole.one("command:local:Command", "teammoa-data")
    assert needs(whole, command, "aws:ssm/parameter:Parameter")
    assert needs(whole, command, "aws:s3/bucketVersioning:BucketVersioning")


def test_the_actions_read_what_the_commands_say(whole: Engine) -> None:
    from actions import data_host
    from actions.rolling import request

    asked = request.from_environment(environment(whole))
    assert (asked.tag, asked.repository, asked.project.directory) == ("v1", "teammoa-web", "/opt/teammoa")
    kept = data_host.from_environment(environment(whole, "teammoa-data"))
    assert (kept.project.name, kept.project.directory) == ("teammoa-data", "/opt/teammoa-data")


def test_managed_data_takes_the_place_of_the_data_host() -> None:
    engine = declared(imageTag="v1", data=MANAGED)
    assert {made.name for made in engine.of("aws:ec2/instance:Instance")} == {"teammoa-web-1", "teammoa-web-2"}
    assert not engine.of("aws:s3/bucket:Bucket") and engine.exports.get("backupBucket") is None
    values = {
        made.inputs["name"]: made.inputs.get("insecureValue") for made in engine.of("aws:ssm/parameter:Parameter")
    }
    assert values["/TeamMoa/test/DB_HOST"] == "db.example.com"
    assert values["/TeamMoa/test/REDIS_HOST"] == "redis.example.com"


def test_existing_hosts_are_used_as_they_are() -> None:
    engine = declared(imageTag="v1", **EXISTING, instanceIds=["i-1a", "i-2b"], data=MANAGED)
    assert not engine.of("aws:ec2/instance:Instance")
    (rule,) = [made.inputs for made in engine.of(INGRESS) if made.inputs["securityGroupId"] == "sg-1a"]
    assert rule["referencedSecurityGroupId"] == "sg-teammoa-alb"
    given = environment(engine)
    assert given["SECURITY_GROUP"] == "sg-1a"
    assert [host["instance"] for host in json.loads(given["HOSTS"])] == ["i-1a", "i-2b"]


def test_backups_outlive_the_stack_and_nobody_else_reads_them(whole: Engine) -> None:
    kinds = [made for made in whole.made if made.type.startswith("aws:s3/")]
    assert len(kinds) == 5 and all(made.retained for made in kinds)
    (block,) = whole.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert all(block.inputs[key] is True for key in ("blockPublicAcls", "blockPublicPolicy", "restrictPublicBuckets"))
    versioning = whole.one("aws:s3/bucketVersioning:BucketVersioning").inputs
    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = whole.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs["rules"]
    assert rule["expiration"] == {"days": 30} and rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}


def test_a_host_may_do_what_it_must_and_no_more(whole: Engine) -> None:
    web, data = allowed(whole, "TeamMoa-web"), allowed(whole, "TeamMoa-data")
    place = f"us-east-1:{ACCOUNT}"
    assert web["ecr:BatchGetImage"] == [f"arn:aws:ecr:{place}:repository/{n}" for n in ("teammoa-nginx", "teammoa-web")]
    assert f"arn:aws:ssm:{place}:parameter/TeamMoa/test/DB_PASSWORD" in web["ssm:GetParameters"]
    assert web["ssm:PutParameter"] == [f"arn:aws:ssm:{place}:parameter/TeamMoa/test/hosts/*"]
    assert not any(action.startswith(("s3:", "ssmmessages:")) for action in web)
    bucket = f"arn:aws:s3:::teammoa-test-backups-{ACCOUNT}"
    assert data["s3:PutObject"] == [f"{bucket}/mysql/*"] and data["s3:ListBucket"] == [bucket]
    assert "s3:DeleteObject" not in data and "ecr:BatchGetImage" not in data
    assert f"arn:aws:ssm:{place}:parameter/TeamMoa/test/SECRET_KEY" not in data["ssm:GetParameters"]
    for rights in (web, data):
        for action, resources in rights.items():
            if "*" in resources:
                assert action in ("ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"), action


def test_hosts_of_run_command_are_reached_by_the_agent_and_by_no_port() -> None:
    engine = declared(imageTag="v1", access={"method": "ssm"})
    assert "ssmmessages:OpenDataChannel" in allowed(engine, "TeamMoa-web")
    release = allowed(engine, "TeamMoa-github-release")
    assert not any("SecurityGroup" in action for action in release)
    assert "arn:aws:ssm:ap-northeast-2::document/AWS-RunShellScript" in release["ssm:SendCommand"]
    assert sum("instance/" in resource for resource in release["ssm:SendCommand"]) == 2


@pytest.mark.parametrize("method", ["ssh", "ssm"])
def test_the_release_role_may_do_what_a_release_asks_for_and_push(method: str) -> None:
    from actions.rolling.needs import needs as asked_for
    from actions.rolling.request import from_environment

    engine = declared(imageTag="v1", region="us-east-1", access={"method": method})
    granted = allowed(engine, "TeamMoa-github-release")
    wanted = {action for need in asked_for(from_environment(environment(engine)), ACCOUNT) for action in need.actions}
    pushing = {"ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"}
    besides = {"iam:SimulatePrincipalPolicy", "kms:Decrypt", "ecr:BatchCheckLayerAvailability"}
    assert wanted <= set(granted)
    assert set(granted) - wanted <= pushing | besides | LOOKUPS
    assert set(granted) >= LOOKUPS  # `pulumi up` runs the program, which asks before it declares


def test_alarms_are_about_users_and_about_each_host(whole: Engine) -> None:
    alarms = {
        made.inputs["name"].removeprefix("TeamMoa-"): made.inputs
        for made in whole.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    }
    assert set(alarms) == {"errors", "latency", "unhealthy-targets"} | {
        f"{host}-{what}" for host in ("web-1", "web-2", "data") for what in ("cpu", "disk")
    }
    assert alarms["web-2-cpu"]["dimensions"] == {"InstanceId": "i-teammoa-web-2"}
    assert alarms["data-disk"]["namespace"] == "InfraRelease/Hosts"


def test_a_mail_address_hears_of_alarms() -> None:
    engine = declared(alarms={"email": "team@example.com"})
    assert engine.one("aws:sns/topicSubscription:TopicSubscription").inputs["endpoint"] == "team@example.com"
    alarms = engine.of("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert alarms and all(made.inputs["alarmActions"][0].endswith(":TeamMoa-alarms") for made in alarms)


def test_the_dashboard_is_a_document_of_cloudwatch(whole: Engine) -> None:
    body = json.loads(whole.one("aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    places = {(widget["x"], widget["y"]) for widget in body["widgets"]}
    assert len(places) == len(body["widgets"]) == 6
    assert "i-teammoa-data" in json.dumps(body)


def test_money_is_shown_and_watched(whole: Engine) -> None:
    assert whole.exports["monthlyCost"]["load balancer"] == 22.27
    assert whole.exports["monthlyCostUsd"] == round(sum(whole.exports["monthlyCost"].values()), 2)
    budget = whole.one("aws:budgets/budget:Budget").inputs
    assert (budget["limitAmount"], budget["limitUnit"]) == ("60", "USD")
    assert {notice["notificationType"] for notice in budget["notifications"]} == {"ACTUAL", "FORECASTED"}


def test_without_a_tag_the_last_release_stays() -> None:
    assert environment(declared(last_outputs={"imageTag": "v7"}))["IMAGE"].endswith(":v7")


def test_without_a_tag_and_a_last_release_there_is_none() -> None:
    engine = declared()
    assert {made.name for made in engine.of("command:local:Command")} == {"teammoa-deploying-key", "teammoa-data"}
    assert "imageTag" not in engine.exports


@pytest.mark.parametrize("protected", [True, False])
def test_what_must_not_be_lost_is_protected(protected: bool) -> None:
    engine = declared(deletionProtection=protected)
    data = engine.one("aws:ec2/instance:Instance", "teammoa-data").inputs
    assert data["disableApiTermination"] is protected
    assert data["rootBlockDevice"]["deleteOnTermination"] is not protected
    assert engine.one("aws:lb/loadBalancer:LoadBalancer").inputs["enableDeletionProtection"] is protected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ExistingHosts(names=("web-1",), instance_ids=("i-1", "i-2"), security_group_id="sg"),
            "1 names are for 2 hosts",
        ),
        (
            lambda: HostAccess(method="telnet", user="u", key_parameter="/k", host_keys_prefix="/h/"),
            "access.method must be one of ssh, ssm, got telnet",
        ),
    ],
)
def test_impossible_arguments_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
