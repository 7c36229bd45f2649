"""Take a fleet's hosts out of the balancer: `pulumi destroy` runs this before hosts and balancer go."""

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


def work(cancellation: Cancellation) -> int:
    progress = Progress()
    try:
        asked = request.from_environment()
        if asked.single:
            return 0  # no balancer knows the host
        aws = Clients(asked.region)
        targets = TargetGroup(aws, asked.target_group, asked.port, RealClock(cancellation))
        registered = [host for host in asked.hosts if host.instance in targets.states()]
        for host in registered:
            cancellation.check()
            targets.deregister(host)
        progress.say(f"{len(registered)} hosts left the target group")
    except (ReleaseError, ClientError, BotoCoreError) as error:
        progress.say(text_of(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
