"""The settings: what a bad configuration is told, word for word."""

import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from stacks import settings as stack_settings
from stacks.config_reader import ConfigError, stack_section
from stacks.liveinsight_settings import LiveInsightSettings, read
from tests.unit.engine_double import Engine
from tests.unit.liveinsight_config import GITHUB, config, settings

FILE = "stacks/Pulumi.liveinsight.test.yaml"

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"imageTga": "v1"}, "imageTga", "is not a key that anything reads; did you mean imageTag?"),
    ({"desiredcount": 2}, "desiredcount", "is not a key that anything reads; did you mean desiredCount?"),
    (
        {"github": None},
        "github.repository",
        "is missing, but must be the releasing repository as org/repository",
    ),
    ({"githb": {}, "github": None}, "githb", "is not a key that anything reads; did you mean github?"),
    (
        {"desiredCount": 0},
        "desiredCount",
        "is 0, but must be a whole number from 1 to 1000 (to serve nobody, use `pulumi destroy`)",
    ),
    (
        {"desiredCount": "two"},
        "desiredCount",
        "is two, but must be a whole number from 1 to 1000 (to serve nobody, use `pulumi destroy`)",
    ),
    (
        {"imageTag": "a b"},
        "imageTag",
        'is "a b", but must be a tag of the registry such as v1 or a commit\'s sha:'
        " letters, digits, _ . -, at most 128, in quotes",
    ),
    (
        {"imageTag": "latest"},
        "imageTag",
        "is latest, which names no release; name the tag that was built for it",
    ),
    (
        {"imageTag": "unreleased"},
        "imageTag",
        "is unreleased, which names no release; name the tag that was built for it",
    ),
    ({"region": "virginia"}, "region", "is virginia, but must be an AWS region such as us-east-1"),
    ({"accountId": 12345}, "accountId", "is 12345, but must be an account number of 12 digits, in quotes"),
    (
        {"name": "x" * 29},
        "name",
        f"is {'x' * 29}, but must be a name of at most 28 letters, digits and single hyphens that begins with a letter",
    ),
    (
        {"name": "internal-app"},
        "name",
        "is internal-app, but AWS keeps names that begin with aws, ssm or internal- to itself",
    ),
    ({"repository": "App"}, "repository", "is App, but must be a repository name in lower case"),
    (
        {"vpcId": "vpc-1a"},
        "subnetIds",
        "is missing, but vpcId is set: subnets are of a VPC, so set both or none",
    ),
    (
        {"subnetIds": ["subnet-1", "subnet-2"]},
        "vpcId",
        "is missing, but subnetIds is set: subnets are of a VPC, so set both or none",
    ),
    (
        {"vpcId": "vpc-1a", "subnetIds": ["subnet-1"]},
        "subnetIds",
        'is ["subnet-1"], but must be a list of at least two different subnet ids'
        " in different zones such as [subnet-0a1b, subnet-2c3d]",
    ),
    (
        {"vpcId": "vpc-1a", "subnetIds": ["subnet-1", "subnet-2"], "vpcCidr": "10.0.0.0/16"},
        "vpcCidr",
        "is set next to vpcId: it is for a VPC of the stack's own, so take one away",
    ),
    (
        {"vpcCidr": "10.20.1.0/16"},
        "vpcCidr",
        "is 10.20.1.0/16, but must be an IPv4 network from /16 to /26 without host bits such as 10.20.0.0/16",
    ),
    (
        {"vpcCidr": "10.20.0.0/28"},
        "vpcCidr",
        "is 10.20.0.0/28, but must be an IPv4 network from /16 to /26 without host bits such as 10.20.0.0/16",
    ),
    (
        {"availabilityZones": ["us-east-1a"]},
        "availabilityZones",
        'is ["us-east-1a"], but must be a list of two zones of region us-east-1 such as [us-east-1a, us-east-1c]',
    ),
    (
        {"domain": "live.example.com"},
        "certificateArn",
        "is missing, but domain is set: a certificate is for a domain, so set both or none",
    ),
    (
        {"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
        "domain",
        "is missing, but certificateArn is set: a certificate is for a domain, so set both or none",
    ),
    (
        {"domain": "live.example.com", "certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1"},
        "certificateArn",
        "is arn:aws:acm:eu-west-1:123456789012:certificate/1, but must be the ARN"
        " of an ACM certificate of region us-east-1",
    ),
    ({"containerPort": 70000}, "containerPort", "is 70000, but must be a whole number from 1 to 65535"),
    (
        {"healthPath": "health"},
        "healthPath",
        "is health, but must be a path that begins with / such as /health/,"
        " without quotes, backticks, $ and backslashes",
    ),
    *(
        ({"healthPath": path}, "healthPath", f"is {path}, but must be a path that begins with / such as /health/")
        for path in ("/it's", '/"', "/`id`", "/$(id)", "/\\")
    ),
    (
        {"healthCheck": {"intervalSeconds": 5, "timeoutSeconds": 5}},
        "healthCheck.timeoutSeconds",
        "is 5, but must be a whole number from 2 to 4 (less than the interval of 5)",
    ),
    (
        {"healthCheck": {"interval": 5}},
        "healthCheck.interval",
        "is not a key that anything reads; did you mean intervalSeconds?",
    ),
    (
        {"healthCheck": {"healthyThreshold": True}},
        "healthCheck.healthyThreshold",
        "is true, but must be a whole number from 2 to 10",
    ),
    (
        {"healthCheck": "often"},
        "healthCheck",
        "is often, but must be a map with keys among intervalSeconds, timeoutSeconds,"
        " healthyThreshold, unhealthyThreshold, gracePeriodSeconds, command",
    ),
    (
        {"cpu": 300},
        "cpu",
        "is 300, but must be one of Fargate's sizes: 256, 512, 1024, 2048, 4096, 8192, 16384",
    ),
    ({"cpu": 256, "memory": 4096}, "memory", "is 4096, but must be 512, 1024 or 2048 MiB next to cpu 256"),
    (
        {"cpu": 1024},
        "memory",
        "is missing and would be 512, but must be 2048 to 8192 in steps of 1024 MiB next to cpu 1024",
    ),
    (
        {"cpu": 8192, "memory": 17000},
        "memory",
        "is 17000, but must be 16384 to 61440 in steps of 4096 MiB next to cpu 8192",
    ),
    (
        {"autoscaling": {"min": 3, "max": 4, "cpuPercent": 50}},
        "desiredCount",
        "is 2, but must lie within autoscaling's 3 to 4",
    ),
    (
        {"autoscaling": {"min": 2, "max": 1}},
        "autoscaling.max",
        "is 1, but must be a whole number from 2 to 1000 (at least min)",
    ),
    (
        {"autoscaling": {"cpuPercent": 170}},
        "autoscaling.cpuPercent",
        "is 170, but must be a whole number from 1 to 100",
    ),
    (
        {"autoscaling": {"max": 3}},
        "autoscaling",
        'is {"max": 3}, but must be a map with at least one of cpuPercent, memoryPercent, requestsPerTarget',
    ),
    ({"settings": {"DEBUG": True}}, "settings.DEBUG", "is true, but must be a text; put it in quotes"),
    ({"settings": {"NOT-A-NAME": "x"}}, "settings.NOT-A-NAME", "is not the name of an environment variable"),
    ({"settings": {"EMPTY": ""}}, "settings.EMPTY", "has 0 characters, but SSM keeps 1 to 4096"),
    (
        {"secrets": {"KEY": "hunter2"}},
        "secrets.KEY",
        "must be the name of an SSM parameter such as /LiveInsight/prod/SECRET_KEY, never the secret itself",
    ),
    (
        {"settings": {"KEY": "x"}, "secrets": {"KEY": "/a/b"}},
        "settings.KEY",
        "is also under secrets: a variable has one source",
    ),
    (
        {"logRetentionDays": 31},
        "logRetentionDays",
        "is 31, but must be one of CloudWatch's periods: 1, 3, 5, 7, 14, 30, ",
    ),
    ({"verification": {"passes": 0}}, "verification.passes", "is 0, but must be a whole number from 1 to 100"),
    (
        {"github": {"repository": "app"}},
        "github.repository",
        "is app, but must be the releasing repository as org/repository",
    ),
    (
        {"github": GITHUB | {"branch": "main"}},
        "github.branch",
        "is set next to environment, but a run's token then names the environment only: take one away",
    ),
    ({"github": GITHUB | {"branch": "*"}}, "github.branch", "is"),
    (
        {"github": {"repository": "a/b", "branch": "release/*"}},
        "github.branch",
        "is release/*, but must be the name of one branch",
    ),
    (
        {"github": GITHUB | {"organizationId": "1"}},
        "github.repositoryId",
        "is missing, but organizationId is set: the token's subject holds both",
    ),
    (
        {"github": GITHUB | {"organizationId": 1, "repositoryId": 2}},
        "github.organizationId",
        "is 1, but must be GitHub's number of it, in quotes",
    ),
    (
        {"alarms": {"latencySeconds": "slow"}},
        "alarms.latencySeconds",
        "is slow, but must be a number from 0.01 to 300",
    ),
    (
        {"alarms": {"topicArn": "alarms"}},
        "alarms.topicArn",
        "is alarms, but must be the ARN of an SNS topic of region us-east-1",
    ),
    ({"deletionProtection": "yes"}, "deletionProtection", "is yes, but must be true or false"),
    (
        {"keepImages": 1},
        "keepImages",
        "is 1, but must be a whole number from 2 to 1000 (at least the last release and this one)",
    ),
    ({"backend": {}}, "backend.bucket", "is missing, but must be the name of an S3 bucket"),
    (
        {"backend": {"bucket": "state", "kmsKeyArn": "alias/state"}},
        "backend.kmsKeyArn",
        "is alias/state, but must be the ARN of a KMS key (not of an alias)",
    ),
]


@pytest.mark.parametrize(("values", "key", "problem"), BAD)
def test_a_bad_value_is_named_with_its_file_and_what_would_be_right(
    values: dict[str, Any], key: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(**values)
    assert str(refused.value).startswith(f"infra-release:{key} in {FILE} {problem}")
    assert "\n" not in str(refused.value)


def test_a_secret_put_in_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        settings(secrets={"KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_keys_of_another_namespace_are_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        stack_section({"aws:region": "us-east-1"}, (), "infra-release", "liveinsight.test", LiveInsightSettings)
    assert str(refused.value) == (
        f"aws:region in {FILE} is read by nothing: this project's keys begin with infra-release:; did you mean region?"
    )


def test_an_encrypted_value_is_refused_and_not_shown() -> None:
    values = config(imageTag="hunter2")
    with pytest.raises(ConfigError) as refused:
        stack_section(values, ["infra-release:imageTag"], "infra-release", "liveinsight.test", LiveInsightSettings)
    assert str(refused.value) == (
        f"infra-release:imageTag in {FILE} is encrypted, but no secret passes through Pulumi:"
        " put it into SSM and its name under secrets"
    )


def test_the_defaults_are_the_documents() -> None:
    given = settings()
    assert (given.name, given.repository, given.region) == ("LiveInsight", "liveinsight-app", "us-east-1")
    assert (given.container_port, given.health_path, given.desired_count) == (8000, "/health/", 2)
    assert (given.image_tag, given.autoscaling, given.domain) == (None, None, None)
    assert given.availability_zones == ("us-east-1a", "us-east-1b")


def test_a_branch_is_trusted_unless_an_environment_is_named() -> None:
    assert settings(github={"repository": "a/b"}).github.branch == "main"
    assert settings(github={"repository": "a/b", "environment": "prod"}).github.branch is None


def test_every_size_of_fargate_is_accepted() -> None:
    assert settings(cpu=16384, memory=122880).memory == 122880
    assert settings(cpu=512, memory=4096).cpu == 512


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ("liveinsight", "stack 'liveinsight' is not named <system>.<environment>, such as liveinsight.local"),
        ("liveinsight.", "stack 'liveinsight.' is not named <system>.<environment>, such as liveinsight.local"),
        ("liveinsigt.prod", "stack 'liveinsigt.prod' names an unknown system 'liveinsigt'; did you mean liveinsight?"),
        ("other.prod", "stack 'other.prod' names an unknown system 'other'; the systems are "),
    ],
)
def test_a_bad_stack_name(stack: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        stack_settings.split_stack_name(stack)


@pytest.mark.parametrize(
    "file", sorted(Path("stacks").glob("Pulumi.liveinsight.*.yaml")), ids=lambda path: path.suffixes[-2][1:]
)
def test_the_stacks_files_are_good(file: Path) -> None:
    environment = file.suffixes[-2][1:]
    written = yaml.safe_load(file.read_text())["config"]
    values = config(**{key.partition(":")[2]: value for key, value in written.items()})
    section = stack_section(values, (), "infra-release", f"liveinsight.{environment}", LiveInsightSettings)
    given = read(environment, section)
    assert (given.image_tag is not None) == (environment == "local")  # elsewhere the workflow names the tag
    assert given.deletion_protection == (environment == "prod")


def test_load_reads_the_configuration_of_the_engine() -> None:
    loaded: list[object] = []
    pulumi.runtime.set_all_config(config(cpu=512, memory=1024), [])
    try:
        Engine().run(lambda: loaded.append(stack_settings.load("liveinsight", "test")))
    finally:
        pulumi.runtime.set_all_config({}, [])
    assert loaded == [settings(cpu=512, memory=1024)]
