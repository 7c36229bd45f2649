"""No secret in the open, and nothing left after `pulumi destroy`. Named to run last: it ends the shared stack."""

import subprocess

import boto3

from tests.cloud.process_list import ProcessList
from tests.cloud.project import Project

SECRET = "s3cr3t-of-the-tests"


def test_no_secret_in_state_output_or_process_list(released: Project, other: str) -> None:
    """The value that the tasks really use is nowhere else."""
    released.set("imageTag", other)
    with ProcessList() as seen:
        done = released.pulumi("up", "--yes", "--skip-preview", "--diff", "--logtostderr", "-v=9")
    state = "".join(path.read_text(errors="replace") for path in released.state.rglob("*") if path.is_file())
    key = released.environment["AWS_SECRET_ACCESS_KEY"]
    for name, text in {"output": done.stdout, "state": state, "processes": "".join(seen)}.items():
        assert SECRET not in text, f"the application's secret is in the {name}"
        assert key not in text, f"the AWS secret key is in the {name}"
    assert "actions.release_ecs" in "".join(seen)


def test_tasks_do_receive_the_secret(released: Project) -> None:
    """Or the test above would prove nothing."""
    container = containers(released)[0]
    assert f"SECRET_KEY={SECRET}" in docker("inspect", "-f", "{{.Config.Env}}", container)


def test_destroy_leaves_nothing(released: Project, aws: boto3.session.Session) -> None:
    released.pulumi("destroy", "--yes")
    assert not containers(released)
    iam, ec2, logs = aws.client("iam"), aws.client("ec2"), aws.client("logs")
    assert not [role["RoleName"] for role in iam.list_roles()["Roles"] if "LiveInsight" in role["RoleName"]]
    assert not iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert not aws.client("ecr").describe_repositories()["repositories"]
    assert not logs.describe_log_groups(logGroupNamePrefix="/ecs/LiveInsight")["logGroups"]
    assert not aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert not aws.client("elbv2").describe_target_groups()["TargetGroups"]
    named = [group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]]
    assert set(named) <= {"default"}, named
    assert not aws.client("dynamodb").list_tables()["TableNames"]
    assert not aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    parameters = aws.client("ssm").describe_parameters()["Parameters"]
    assert [parameter["Name"] for parameter in parameters] == ["/LiveInsight/local/SECRET_KEY"]  # the operator's own
    ecs = aws.client("ecs")
    assert not ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    active = ecs.describe_clusters(clusters=["LiveInsight-cluster"])["clusters"]
    assert not [cluster for cluster in active if cluster["status"] == "ACTIVE"]


def containers(project: Project) -> list[str]:
    """The containers of this cloud's tasks, and no other cloud's: its registry's port tells."""
    registry = project.environment["AWS_ENDPOINT_URL"].removeprefix("http://")
    listed = [line.split() for line in docker("ps", "-a", "--format", "{{.ID}} {{.Image}}").splitlines()]
    return [container for container, image in listed if image.startswith(f"{registry}/")]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], text=True, stdout=subprocess.PIPE, check=True).stdout
