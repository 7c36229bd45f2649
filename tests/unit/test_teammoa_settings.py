"""TeamMoa's settings: the document's figures, and what a bad configuration is told, word for word."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.config_reader import ConfigError, stack_section
from stacks.teammoa_settings import TeamMoaSettings, read
from tests.unit.liveinsight_config import config
from tests.unit.teammoa_config import NEEDED, settings

FILE = "stacks/Pulumi.teammoa.test.yaml"
EXISTING: dict[str, Any] = {"vpcId": "vpc-1a", "subnetIds": ["subnet-1", "subnet-2"], "securityGroupId": "sg-1a"}
ARN = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"hostcount": 2}, "hostcount", "is not a key that anything reads; did you mean hostCount?"),
    (
        {"hostCount": 1},
        "hostCount",
        "is 1, but must be a whole number from 2 to 1000"
        " (a release takes a host out of service, and another one must serve; one host alone needs balancer: false)",
    ),
    ({"instanceType": "micro"}, "instanceType", "is micro, but must be an instance type such as t3.micro"),
    ({"ami": "ubuntu"}, "ami", "is ubuntu, but must be the id of an AMI such as ami-0a1b2c3d"),
    (
        {"amiParameter": "ubuntu"},
        "amiParameter",
        "is ubuntu, but must be the name of an SSM parameter that names an AMI",
    ),
    (
        {"ami": "ami-1", "amiParameter": "/aws/service/x"},
        "amiParameter",
        "is set next to ami: both name the hosts' image, so take one away",
    ),
    (
        {**EXISTING, "instanceIds": ["i-1"]},
        "instanceIds",
        'is ["i-1"], but must be a list of at least two different instance ids such as [i-0a1b, i-2c3d]',
    ),
    (
        {**EXISTING, "instanceIds": ["i-1", "i-2"], "hostCount": 2},
        "hostCount",
        "is set next to instanceIds: it is for hosts of the stack's own, so take one away",
    ),
    (
        {"instanceIds": ["i-1", "i-2"], "securityGroupId": "sg-1a"},
        "vpcId",
        "is missing, but instanceIds is set: the balancer lives in the VPC of the hosts",
    ),
    (
        EXISTING,
        "instanceIds",
        "is missing, but securityGroupId is set: the balancer is let into the group of the hosts, so set both or none",
    ),
    (
        {"certificateArn": ARN, "certificateDomain": "a.example.com"},
        "certificateDomain",
        "is set next to certificateArn: one certificate is enough, so take one away",
    ),
    (
        {"domain": "a.example.com"},
        "domain",
        "is set without certificateArn or certificateDomain, but it is served by HTTPS",
    ),
    (
        {"certificateDomain": "nothing"},
        "certificateDomain",
        "is nothing, but must be a host name such as live.example.com",
    ),
    ({"websocketPath": "ws"}, "websocketPath", "is ws, but must be a path that begins with / such as /ws/echo/"),
    (
        {"healthCheck": {"intervalSeconds": 5, "timeoutSeconds": 5}},
        "healthCheck.timeoutSeconds",
        "is 5, but must be a whole number from 2 to 4 (less than the interval of 5)",
    ),
    (
        {"stickiness": {"cookie": "AWSALB"}},
        "stickiness.cookie",
        "is AWSALB, but must be the application's cookie, not AWS's own",
    ),
    (
        {"stickiness": {"seconds": 0}},
        "stickiness.seconds",
        "is 0, but must be a whole number from 1 to 604800",
    ),
    ({"idleTimeoutSeconds": 5000}, "idleTimeoutSeconds", "is 5000, but must be a whole number from 1 to 4000"),
    (
        {"deregistrationDelaySeconds": 3601},
        "deregistrationDelaySeconds",
        "is 3601, but must be a whole number from 0 to 3600",
    ),
    (
        {"rolling": {"waveSize": 2}},
        "rolling.waveSize",
        "is 2, but a wave of 2 would take all 2 hosts out of service, and at least one must serve",
    ),
    (
        {"rolling": {"waveSize": 0}},
        "rolling.waveSize",
        "is 0, but must be a whole number from 1 to 1000",
    ),
    (
        {"rolling": {"order": ["web-2"]}},
        "rolling.order",
        'is ["web-2"], but must be each of web-1, web-2 once',
    ),
    (
        {"rolling": {"drainSeconds": 601}},
        "rolling.drainSeconds",
        "is 601, but must be a whole number from 0 to 600",
    ),
    (
        {"rolling": {"migrate": " "}},
        "rolling.migrate",
        'is " ", but must be a command of the image that exits 0 when all is well',
    ),
    ({"access": {"method": "telnet"}}, "access.method", "is telnet, but must be ssh or ssm"),
    (
        {"access": {"user": "Root!"}},
        "access.user",
        "is Root!, but must be a login name of the hosts such as ubuntu",
    ),
    ({"data": {"mode": "cloud"}}, "data.mode", "is cloud, but must be host or managed, or same with balancer: false"),
    (
        {"data": {"mode": "managed", "databaseHost": "db.example.com"}},
        "data.redisHost",
        "is missing, but mode is managed: the stack then makes no such host",
    ),
    (
        {"data": {"databaseHost": "db.example.com"}},
        "data.databaseHost",
        "is set, but mode is host: the stack makes that host, so take it away or set mode: managed",
    ),
    (
        {"data": {"databaseImage": "My SQL"}},
        "data.databaseImage",
        'is "My SQL", but must be an image such as nginx:1.25-alpine,'
        " or registry/<name>:<tag> for one of the stack's own registry",
    ),
    (
        {"settings": {**NEEDED["settings"], "DB_HOST": "10.0.0.1"}},
        "settings.DB_HOST",
        "is what the stack itself says: it comes from data, so take it away",
    ),
    (
        {"settings": {"DB_USER": "teammoa"}},
        "settings.DB_NAME",
        "is missing, but the data host's MySQL is made with it",
    ),
    (
        {"secrets": {"SECRET_KEY": "/a/b"}},
        "secrets.DB_PASSWORD",
        "is missing, but the data host's MySQL is made with it",
    ),
    (
        {"secrets": {"DB_PASSWORD": "hunter2"}},
        "secrets.DB_PASSWORD",
        "must be the name of an SSM parameter such as /LiveInsight/prod/SECRET_KEY, never the secret itself",
    ),
    (
        {"backup": {"schedule": "0 3 * * *; rm"}},
        "backup.schedule",
        'is "0 3 * * *; rm", but must be a calendar event of systemd such as *-*-* 03:00:00',
    ),
    (
        {"backup": {"retentionDays": 0}},
        "backup.retentionDays",
        "is 0, but must be a whole number from 1 to 3650",
    ),
    ({"backup": {"bucket": "B"}}, "backup.bucket", "is B, but must be the name of an S3 bucket"),
    (
        {"alarms": {"email": "a@b.cd", "topicArn": "arn:aws:sns:ap-northeast-2:123456789012:t"}},
        "alarms.email",
        "is set next to topicArn: subscribe it to that topic, or take one away",
    ),
    ({"alarms": {"diskPercent": 101}}, "alarms.diskPercent", "is 101, but must be a whole number from 1 to 100"),
    ({"budget": {"monthlyUsd": 40}}, "budget.email", "is missing, but must be an e-mail address"),
    (
        {"budget": {"monthlyUsd": 0, "email": "a@b.cd"}},
        "budget.monthlyUsd",
        "is 0, but must be a whole number from 1 to 1000000",
    ),
]


@pytest.mark.parametrize(("values", "key", "problem"), BAD, ids=[f"{key}-{n}" for n, (_, key, _) in enumerate(BAD)])
def test_a_bad_value_is_told_in_one_sentence(values: dict[str, Any], key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        settings(**values)
    assert str(raised.value) == f"infra-release:{key} in {FILE} {problem}"


def test_the_defaults_are_the_documents() -> None:
    given = settings()
    assert (given.name, given.region, given.repository) == ("TeamMoa", "ap-northeast-2", "teammoa-web")
    assert (given.host_count, given.instance_type, given.vpc_cidr) == (2, "t3.micro", "10.0.0.0/16")
    check = given.health_check
    assert (given.health_path, check.interval_seconds, check.timeout_seconds) == ("/health/", 30, 5)
    assert (check.healthy_threshold, check.unhealthy_threshold) == (2, 3)
    assert (given.stickiness.cookie, given.stickiness.seconds) == ("sessionid", 86400)
    assert (given.idle_timeout_seconds, given.deregistration_delay_seconds) == (3600, 300)
    rolling = given.rolling
    assert (rolling.wave_size, rolling.drain_seconds) == (1, 300)
    assert (rolling.health_retries, rolling.health_interval_seconds) == (3, 10)
    assert (given.data.mode, given.data.database_image, given.data.redis_image) == (
        "host",
        "mysql:8.0",
        "redis:7-alpine",
    )
    assert (given.nginx_image, given.access.method, given.access.user) == ("nginx:1.25-alpine", "ssh", "ubuntu")
    assert given.hosts == ("web-1", "web-2")


def test_an_order_is_the_releases() -> None:
    given = settings(hostCount=3, rolling={"waveSize": 2, "order": ["web-3", "web-1", "web-2"]})
    assert given.hosts == ("web-3", "web-1", "web-2")


def test_managed_data_needs_no_mysql_of_the_stack() -> None:
    hosts = {"mode": "managed", "databaseHost": "db.example.com", "redisHost": "10.0.0.9"}
    given = settings(data=hosts, settings={}, secrets={})
    assert (given.data.database_host, given.data.redis_host) == ("db.example.com", "10.0.0.9")


def test_existing_hosts_are_counted() -> None:
    given = settings(**EXISTING, instanceIds=["i-1", "i-2", "i-3"])
    assert given.hosts == ("web-1", "web-2", "web-3")


@pytest.mark.parametrize("file", sorted(Path("stacks").glob("Pulumi.teammoa.*.yaml")), ids=lambda file: file.name)
def test_the_stacks_files_are_good(file: Path) -> None:
    environment = file.suffixes[-2][1:]
    written = yaml.safe_load(file.read_text())["config"]
    values = config(**{key.partition(":")[2]: value for key, value in written.items()})
    given = read(environment, stack_section(values, (), "infra-release", f"teammoa.{environment}", TeamMoaSettings))
    local = environment.endswith("local")
    assert (given.image_tag is not None) == local  # elsewhere the workflow names the tag
    assert given.deletion_protection == (environment == "prod")
    assert all(re.match(rf"/{given.name}/{environment}/", name) for name in given.secrets.values())
    assert given.deregistration_delay_seconds >= given.rolling.drain_seconds or local
