"""Make the key that logs in on the hosts, unless SSM has it: its private half goes to SSM and nowhere else."""

import json
import sys

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import ssh

from actions import permissions
from actions.clients import Clients
from actions.environment import text
from actions.errors import ReleaseError
from actions.progress import Progress

PUBLIC = ".pub"  # behind the private half's name


def ensure(aws: Clients, parameter: str) -> str:
    """The public half; what is there is kept, a public half that is missing or another key's is set right."""
    ssm = aws("ssm")
    try:
        private = str(ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        private = _made()
        # Never overwritten: of two that make one at once, the second stops here and the next `up` takes the first's.
        ssm.put_parameter(Name=parameter, Value=private, Type="SecureString", Description="logs in on the hosts")
    public = public_half(private, parameter)
    try:
        known = str(ssm.get_parameter(Name=f"{parameter}{PUBLIC}")["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        known = ""
    if known != public:
        ssm.put_parameter(Name=f"{parameter}{PUBLIC}", Value=public, Type="String", Overwrite=True)
    return public


def _made() -> str:
    form = serialization.PrivateFormat.OpenSSH
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_half(private: str, parameter: str) -> str:
    """`ssh-ed25519 AAAA…`; `ReleaseError` when the parameter holds no such key."""
    try:
        key = ssh.load_ssh_private_key(private.encode(), password=None)
    except ValueError as error:
        raise ReleaseError(f"{parameter} does not hold an SSH private key without a passphrase") from error
    form = serialization.PublicFormat.OpenSSH
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, form).decode()


def main() -> int:
    progress = Progress()
    try:
        parameter = text("SSH_KEY_PARAMETER")
        public = ensure(Clients(text("REGION")), parameter)
    except (ReleaseError, BotoCoreError) as error:
        progress.say(f"failed: {error}")
        return 1
    except ClientError as error:
        progress.say(f"failed: {permissions.refusal(error)}")
        return 1
    progress.say(f"the key that logs in lies in {parameter}")
    print(json.dumps({"parameter": parameter, "public": public}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
