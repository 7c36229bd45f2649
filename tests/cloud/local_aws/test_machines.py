"""EC2 instances as their user meets them: machines that boot, know who they are, run commands and die when told."""

import contextlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.application import push
from localcloud.aws import process
from tests.cloud.local_aws.conftest import Cloud
from tests.cloud.local_aws.principals import make_role, role_keys
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.thorough  # the ordinary run meets all of this through a stack

SECONDS = 60.0
PARAMETERS = (
    "/aws/service/debian/release/12/latest/amd64",
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
)
USER_DATA = """#!/bin/sh
id --user --name
aws sts get-caller-identity --query Arn --output text
echo once more >>/root/boots
"""
ASKED = """token=$(curl --silent --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
http://169.254.169.254/latest/api/token)
for path in instance-id placement/region local-ipv4 public-ipv4 iam/security-credentials/; do
    curl --silent --header "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$path"; echo
done
curl --silent --output /dev/null --write-out '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id"""
ROLE = "machine"
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
ALLOWED = ("ssm:UpdateInstanceInformation", "s3:ListAllMyBuckets", "ecr:GetAuthorizationToken", *PULL)


@dataclass(frozen=True, kw_only=True)
class Host:
    """One running instance, and Run Command to look into it."""

    cloud: Cloud
    instance: str
    address: str

    def send(self, *commands: str, **parameters: str) -> str:
        given = {"commands": list(commands), **{name: [value] for name, value in parameters.items()}}
        sent = self.cloud.client("ssm").send_command(
            InstanceIds=[self.instance], DocumentName="AWS-RunShellScript", Parameters=given
        )
        return str(sent["Command"]["CommandId"])

    def invocation(self, command: str) -> Any:
        return self.cloud.client("ssm").get_command_invocation(CommandId=command, InstanceId=self.instance)

    def outcome(self, command: str) -> Any:
        until(lambda: self.invocation(command)["Status"] not in ("Pending", "InProgress"), "the command ends", SECONDS)
        return self.invocation(command)

    def run(self, *commands: str, **parameters: str) -> Any:
        return self.outcome(self.send(*commands, **parameters))

    def says(self, *commands: str) -> str:
        """What the commands print; they succeed."""
        done = self.run(*commands)
        assert done["Status"] == "Success", done["StandardErrorContent"]
        return str(done["StandardOutputContent"])


EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def profile(cloud: Cloud, name: str, *actions: str) -> str:
    """An instance profile whose role may do this."""
    iam = cloud.client("iam")
    make_role(cloud, name, (actions, "*"), trust=EC2)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name


def launch(cloud: Cloud, **options: Any) -> Any:
    image = cloud.client("ssm").get_parameter(Name=PARAMETERS[0])["Parameter"]["Value"]
    return cloud.client("ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1, **options)["Instances"][0]


def state(cloud: Cloud, instance: str) -> str:
    found = cloud.client("ec2").describe_instances(InstanceIds=[instance])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def become(cloud: Cloud, instance: str, wanted: str) -> None:
    until(lambda: state(cloud, instance) == wanted, f"the instance is {wanted}", SECONDS)


def booted(host: Host) -> None:
    until(lambda: bool(host.says("ls /var/lib/cloud/instance/boot-finished || true")), "the first boot ends", SECONDS)


@pytest.fixture(scope="module")
def host(local_cloud: Cloud) -> Iterator[Host]:
    role = profile(local_cloud, ROLE, *ALLOWED)
    made = launch(local_cloud, IamInstanceProfile={"Name": role}, UserData=USER_DATA)
    assert made["State"]["Name"] == "pending"
    found = Host(cloud=local_cloud, instance=made["InstanceId"], address=made["PrivateIpAddress"])
    try:
        become(local_cloud, found.instance, "running")
        booted(found)
        yield found
    finally:
        local_cloud.client("ec2").terminate_instances(InstanceIds=[found.instance])


def test_the_first_boot_runs_the_user_data_as_root_with_the_role_of_the_instance(host: Host) -> None:
    log = host.says("cat /var/log/cloud-init-output.log").split()
    assert log == ["root", f"arn:aws:sts::000000000000:assumed-role/{ROLE}/{host.instance}"]


def test_the_machine_is_whole(host: Host) -> None:
    assert host.says("systemctl is-system-running --wait").strip() == "running"
    assert host.says(
        "sudo --user admin sudo --non-interactive id --user", "docker compose version --short"
    ).split() == [
        "0",
        "2.40.3",
    ]


def test_the_metadata_service_tells_an_instance_about_itself_and_wants_a_token(host: Host) -> None:
    assert host.says(ASKED).split() == [host.instance, "us-east-1", host.address, host.address, ROLE, "401"]


def test_what_the_role_may_not_do_is_refused_in_the_machine(host: Host) -> None:
    assert host.says("aws s3api list-buckets --query Owner.ID --output text")
    refused = host.run("aws ec2 describe-instances")
    assert refused["Status"] == "Failed"
    assert "UnauthorizedOperation" in refused["StandardErrorContent"]


def test_the_docker_engine_inside_pulls_from_the_clouds_registry(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    made = host.cloud.client("ecr").create_repository(repositoryName="inside")["repository"]
    image = f"{made['repositoryUri']}:v1"
    for name, value in host.cloud.environment.items():
        monkeypatch.setenv(name, value)
    with small_image(image):
        push(image)
    registry = image.partition("/")[0]
    login = f"aws ecr get-login-password | docker login --username AWS --password-stdin {registry}"
    said = host.says(login, f"docker pull --quiet {image}", f"docker inspect --format '{{{{.RepoDigests}}}}' {image}")
    assert f"{made['repositoryUri']}@sha256:" in said


@contextlib.contextmanager
def small_image(name: str) -> Iterator[None]:
    """An image of one file, in the engine of the host."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("version")
        entry.size = 2
        tar.addfile(entry, io.BytesIO(b"v1"))
    subprocess.run(["docker", "import", "-", name], input=archive.getvalue(), check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "rmi", name], check=True, capture_output=True)


def test_a_command_reports_its_exit_code_output_and_place(host: Host) -> None:
    done = host.run("pwd", "echo trouble >&2", "exit 3", workingDirectory="/opt")
    assert (done["Status"], done["ResponseCode"]) == ("Failed", 3)
    assert (done["StandardOutputContent"], done["StandardErrorContent"]) == ("/opt\n", "trouble\n")


def test_only_the_beginning_of_much_output_is_kept(host: Host) -> None:
    done = host.run("head --bytes 30000 /dev/zero | tr '\\0' x")
    assert len(done["StandardOutputContent"]) == 24000


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(host: Host) -> None:
    done = host.run("sleep 1234 & sleep 1234", executionTimeout="1")
    assert done["Status"] == "TimedOut"
    assert host.run("pgrep --full 'sleep 1234$'")["Status"] == "Failed"


def test_a_cancelled_command_ends(host: Host) -> None:
    command = host.send("sleep 2345")
    until(lambda: host.invocation(command)["Status"] == "InProgress", "the command begins", SECONDS)
    until(lambda: host.run("pgrep --full 'sleep 2345$'")["Status"] == "Success", "it runs", SECONDS)
    host.cloud.client("ssm").cancel_command(CommandId=command)
    assert host.outcome(command)["Status"] == "Cancelled"
    assert host.run("pgrep --full 'sleep 2345$'")["Status"] == "Failed"
    listed = host.cloud.client("ssm").list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert [one["Status"] for one in listed] == ["Cancelled"]


def test_without_the_agents_permission_an_instance_is_not_managed(host: Host) -> None:
    iam, ssm = host.cloud.client("iam"), host.cloud.client("ssm")

    def managed() -> list[str]:
        return [one["InstanceId"] for one in ssm.describe_instance_information()["InstanceInformationList"]]

    assert host.instance in managed()
    no = {"Effect": "Deny", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}
    iam.put_role_policy(RoleName=ROLE, PolicyName="no", PolicyDocument=json.dumps({"Statement": [no]}))
    try:
        assert host.instance not in managed()
        with pytest.raises(ClientError, match="InvalidInstanceId"):
            host.send("true")
    finally:
        iam.delete_role_policy(RoleName=ROLE, PolicyName="no")


def test_a_stopped_instance_gets_no_requests_and_comes_back_as_it_was(host: Host) -> None:
    ec2, elb = host.cloud.client("ec2"), host.cloud.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = elb.create_target_group(Name="machines", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance")
    group, target = made["TargetGroups"][0]["TargetGroupArn"], {"Id": host.instance}
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    ec2.stop_instances(InstanceIds=[host.instance])
    become(host.cloud, host.instance, "stopped")
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][0]["TargetHealth"]
    assert (health["State"], health["Reason"]) == ("unused", "Target.InvalidState")
    elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    with pytest.raises(ClientError, match="InvalidTarget"):
        elb.register_targets(TargetGroupArn=group, Targets=[target])
    ec2.start_instances(InstanceIds=[host.instance])
    become(host.cloud, host.instance, "running")
    assert host.says("cat /root/boots", "hostname --ip-address").split() == ["once", "more", host.address]
    elb.delete_target_group(TargetGroupArn=group)


def test_a_machine_that_shuts_itself_down_is_a_stopped_instance(host: Host) -> None:
    host.send("systemctl poweroff")
    become(host.cloud, host.instance, "stopped")
    host.cloud.client("ec2").start_instances(InstanceIds=[host.instance])
    become(host.cloud, host.instance, "running")


def test_the_images_that_boot_are_found_as_on_aws(local_cloud: Cloud) -> None:
    ssm, ec2 = local_cloud.client("ssm"), local_cloud.client("ec2")
    for parameter in PARAMETERS:
        image = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
        assert ec2.describe_images(ImageIds=[image])["Images"][0]["State"] == "available"
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)


def test_who_may_not_pass_the_role_cannot_give_it_to_an_instance(host: Host) -> None:
    keys = role_keys(host.cloud, "launcher", (["ec2:*", "ssm:GetParameter"], "*"))
    image = host.cloud.client("ssm").get_parameter(Name=PARAMETERS[0])["Parameter"]["Value"]
    with pytest.raises(ClientError, match="iam:PassRole"):
        host.cloud.client("ec2", *keys).run_instances(
            ImageId=image, MinCount=1, MaxCount=1, IamInstanceProfile={"Name": ROLE}
        )


def test_stopping_the_cloud_leaves_nothing_of_a_machine_that_is_being_made(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, process.start(tmp_path, free_port()))
    with contextlib.ExitStack() as stack:
        stack.callback(process.stop, tmp_path)
        instance = launch(cloud)["InstanceId"]
        until(lambda: f"localcloud-{instance}" in names("ps", "--all"), "its container is made", SECONDS)
        network = f"localcloud-{json.loads((tmp_path / 'identity.json').read_text())['cloud_id']}"
        assert network in names("network", "ls")
        late = launch(cloud)["InstanceId"]
    assert not {f"localcloud-{instance}", f"localcloud-{late}"} & names("ps", "--all")
    assert network not in names("network", "ls")


def names(*words: str) -> set[str]:
    """What the engine lists of one kind."""
    form = "{{.Name}}" if words[0] == "network" else "{{.Names}}"
    listed = subprocess.run(["docker", *words, "--format", form], capture_output=True, text=True, check=True)
    return set(listed.stdout.split())
