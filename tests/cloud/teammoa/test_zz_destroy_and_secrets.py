"""No secret in the open; nothing left after `pulumi destroy` but the backups. Named to run last: it ends the stack."""

from tests.cloud.process_list import ProcessList
from tests.cloud.teammoa.fleet import Fleet, docker


def test_no_secret_in_state_output_or_process_list(released: Fleet, other: str) -> None:
    """Neither of this computer nor of the hosts, whose processes are among its own."""
    project, ssm = released.project, released.aws.client("ssm")
    names = ("/TeamMoa/local/DB_PASSWORD", "/TeamMoa/local/SECRET_KEY")
    secrets = {name: ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] for name in names}
    secrets["AWS secret key"] = project.environment["AWS_SECRET_ACCESS_KEY"]
    project.set("imageTag", other)
    with ProcessList() as seen:
        done = project.pulumi("up", "--yes", "--skip-preview", "--diff", "--logtostderr", "-v=9")
    state = "".join(path.read_text(errors="replace") for path in project.state.rglob("*") if path.is_file())
    commands = str(ssm.list_commands())
    for name, secret in secrets.items():
        places = {"output": done.stdout, "state": state, "processes": "".join(seen), "Run Command": commands}
        for place, text in places.items():
            assert secret not in text, f"{name} is in the {place}"
    assert "actions.release_rolling" in "".join(seen)
    container = released.on(released.hosts[0], "docker ps -q --filter label=com.docker.compose.service=web").strip()
    inside = released.on(released.hosts[0], f"docker exec {container} printenv DB_PASSWORD").strip()
    assert inside == secrets["/TeamMoa/local/DB_PASSWORD"]  # or this test would prove nothing


def test_destroy_leaves_nothing_but_the_backups(released: Fleet) -> None:
    project, aws = released.project, released.aws
    machines = [released.container(host) for host in (*released.hosts, released.data_host)]
    bucket = project.output("backupBucket")
    project.run("python", "-m", "ops.backup", project.stack)
    project.pulumi("destroy", "--yes")
    assert aws.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] >= 1
    left = docker("ps", "-aq", "--no-trunc").split()
    assert not [machine for machine in machines if any(container.startswith(machine) for container in left)]
    ec2, elb, iam = aws.client("ec2"), aws.client("elbv2"), aws.client("iam")
    named = {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    assert named <= {"default"}, named
    assert not elb.describe_load_balancers()["LoadBalancers"] and not elb.describe_target_groups()["TargetGroups"]
    assert not [role["RoleName"] for role in iam.list_roles()["Roles"] if "TeamMoa" in role["RoleName"]]
    assert not aws.client("dynamodb").list_tables()["TableNames"]
    assert not aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    parameters = {entry["Name"] for entry in aws.client("ssm").describe_parameters()["Parameters"]}
    mine = {name for name in parameters if name.startswith("/TeamMoa/")}
    assert mine == {"/TeamMoa/local/DB_PASSWORD", "/TeamMoa/local/SECRET_KEY"}, mine  # the operator's own
