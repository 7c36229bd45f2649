"""Take the hosts' keys out of SSM, when the hosts are gone: the one that logged in, and what each said it was."""

import json
import sys

from botocore.exceptions import BotoCoreError, ClientError

from actions import permissions
from actions.clients import Clients
from actions.deploying_key import PUBLIC
from actions.environment import text
from actions.errors import ReleaseError
from actions.progress import Progress

AT_ONCE = 10  # names that SSM takes in one call


def forget(aws: Clients, parameter: str, host_keys_prefix: str) -> list[str]:
    """The names of what was there and is gone."""
    ssm = aws("ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=host_keys_prefix.rstrip("/"), Recursive=True)
    names = [str(one["Name"]) for page in pages for one in page["Parameters"]]
    names += [parameter, f"{parameter}{PUBLIC}"]
    gone: list[str] = []
    for start in range(0, len(names), AT_ONCE):
        gone += ssm.delete_parameters(Names=names[start : start + AT_ONCE])["DeletedParameters"]
    return gone


def main() -> int:
    progress = Progress()
    try:
        gone = forget(Clients(text("REGION")), text("SSH_KEY_PARAMETER"), text("HOST_KEYS_PREFIX"))
    except (ReleaseError, BotoCoreError) as error:
        progress.say(f"failed: {error}")
        return 1
    except ClientError as error:
        progress.say(f"failed: {permissions.refusal(error)}")
        return 1
    print(json.dumps({"forgotten": gone}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
