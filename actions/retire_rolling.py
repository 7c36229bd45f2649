"""Take a fleet out of service with its stack: `pulumi destroy` runs this before hosts and balancer go.

Hosts leave the target group, and what they published themselves goes with them.
"""

import sys

from botocore.exceptions import BotoCoreError, ClientError

from actions import lifeline
from actions.clients import Clients
from actions.clock import RealClock
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.progress import Progress
from actions.rolling import request
from actions.rolling.target_group import TargetGroup, text_of

GIVEN_AT_ONCE = 10  # names per DeleteParameters call


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        asked = request.from_environment()
        aws = Clients(asked.region)
        targets = TargetGroup(aws, asked.target_group, asked.port, RealClock(cancellation))
        registered = [host for host in asked.hosts if host.instance in targets.states()]
        for host in registered:
            cancellation.check()
            targets.deregister(host)
        prefix = asked.access.host_keys_prefix.rstrip("/")
        names = [f"{prefix}/{host.instance}/host-key" for host in asked.hosts]
        for start in range(0, len(names), GIVEN_AT_ONCE):
            aws("ssm").delete_parameters(Names=names[start : start + GIVEN_AT_ONCE])
        progress.say(f"{len(registered)} hosts left the target group; their published keys are gone")
    except (ReleaseError, ClientError, BotoCoreError) as error:
        progress.say(text_of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
