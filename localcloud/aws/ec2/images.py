"""The machine images that boot here, found as on AWS: by their public SSM parameter, or by owner and name.

Both start the same machine, Debian 12: what a stack does on Ubuntu beyond Docker, SSH and Python is not tried here.
"""

from dataclasses import dataclass

from localcloud.aws.ec2.engine import ec2, ssm


@dataclass(frozen=True, kw_only=True)
class MachineImage:
    """A published image: its parameter, and what DescribeImages says of it."""

    image_id: str
    parameter: str
    name: str
    description: str
    root_device: str
    owner: str


IMAGES = (
    MachineImage(
        image_id="ami-0deb1a20000000001",
        parameter="/aws/service/debian/release/12/latest/amd64",
        name="debian-12-amd64-20260909-2230",
        description="Debian 12 (20260909-2230)",
        root_device="/dev/xvda",
        owner="136693071363",
    ),
    MachineImage(
        image_id="ami-0b0b2204000000001",
        parameter="/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        name="ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20260911",
        description="Canonical, Ubuntu, 22.04, amd64 jammy image",
        root_device="/dev/sda1",
        owner="099720109477",
    ),
)


def publish() -> None:
    """Let DescribeImages and GetParameter know them, and no image that would not boot."""
    ec2._STUB_AMIS[:] = [
        (image.image_id, image.name, image.description, "", image.root_device, image.owner, None) for image in IMAGES
    ]
    ssm._PUBLIC_AMI_PARAMETERS.clear()
    ssm._PUBLIC_AMI_PARAMETERS.update({image.parameter: image.image_id for image in IMAGES})


def boots(image_id: str) -> bool:
    """Whether RunInstances can start this image."""
    return any(image.image_id == image_id for image in IMAGES)
