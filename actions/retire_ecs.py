"""Take the released revisions of a service away with it: `pulumi destroy` runs this before the service goes."""

import sys

from botocore.exceptions import BotoCoreError, ClientError

from actions import lifeline, request
from actions.clients import Clients
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.permissions import refusal
from actions.progress import Progress


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        asked = request.from_environment()
        ecs = Clients(asked.region)("ecs")
        pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=asked.family, status="ACTIVE")
        revisions = [arn for page in pages for arn in page["taskDefinitionArns"]]
        ours = [arn for arn in revisions if arn.rsplit("/", 1)[1].rsplit(":", 1)[0] == asked.family]
        for arn in ours:
            cancellation.check()
            ecs.deregister_task_definition(taskDefinition=arn)
        progress.say(f"{len(ours)} revisions of {asked.family} deregistered")
    except ClientError as error:
        progress.say(refusal(error))
        return 1
    except (ReleaseError, BotoCoreError) as error:
        progress.say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
