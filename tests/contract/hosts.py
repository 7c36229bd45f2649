"""Cases of what hosts are made of; the instance is a machine that boots."""

from tests.contract.case import Case

IMAGE = "ami-0deb1a20000000001"  # Debian's
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGwG2Yk1pPcFXCfFTtXkSBTqYP2r1xvDkNqVbTnL4jMe contract"

HOSTS = [
    Case(
        token="aws:iam/instanceProfile:InstanceProfile",
        name="profile",
        inputs=lambda s: {"role": s["role"]["name"]},
        replace={"path": "/another/"},
    ),
    Case(
        token="aws:ec2/keyPair:KeyPair",
        name="key",
        inputs=lambda s: {"keyName": "contract", "publicKey": PUBLIC_KEY},
        replace={"keyName": "another"},
    ),
    Case(
        token="aws:ec2/instance:Instance",
        name="host",
        inputs=lambda s: {
            "ami": IMAGE,
            "instanceType": "t3.micro",
            "subnetId": s["subnet-a"]["id"],
            "vpcSecurityGroupIds": [s["group"]["id"]],
            "iamInstanceProfile": s["profile"]["name"],
            "associatePublicIpAddress": False,
            "keyName": s["key"]["keyName"],
            "userData": "#!/bin/sh\ntrue\n",
            "userDataReplaceOnChange": True,
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
            "rootBlockDevice": {"volumeSize": 20, "volumeType": "gp3", "encrypted": True},
        },
        change=lambda s: {
            "vpcSecurityGroupIds": [s["group"]["id"], s["closed-group"]["id"]],
            "disableApiTermination": False,
        },
        replace={"userData": "#!/bin/sh\nfalse\n"},
    ),
    Case(
        token="aws:ec2/eip:Eip",
        name="address",
        inputs=lambda s: {"domain": "vpc"},
        change=lambda s: {"instance": s["host"]["id"]},
    ),
    Case(
        token="aws:ec2/eip:Eip",
        name="free-address",
        inputs=lambda s: {"domain": "vpc"},
    ),
    Case(
        token="aws:ec2/eipAssociation:EipAssociation",
        name="address-of-host",
        tagged=False,
        inputs=lambda s: {"allocationId": s["free-address"]["id"], "instanceId": s["host"]["id"]},
        replace={"instanceId": "i-0"},
    ),
]
