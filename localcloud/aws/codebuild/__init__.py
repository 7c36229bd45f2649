"""The CodeBuild of the local cloud: MiniStack's projects, and builds that really run their buildspec in a container.

`install` is the only place where MiniStack's CodeBuild module is changed.
"""

from typing import Any

from localcloud.aws import routes
from localcloud.aws.codebuild.api import CodeBuild
from localcloud.aws.git_hosting import PAYLOAD_PATH, Hosting
from localcloud.aws.home import Home, Identity


def install(home: Home, identity: Identity, port: int, handlers: dict[str, Any]) -> CodeBuild:
    """Put the runner in place of MiniStack's records that always say SUCCEEDED."""
    service = CodeBuild(Hosting(home.repositories, port), identity.cloud_id, port)
    handlers["codebuild"] = service.handle_request
    routes.ROUTES[PAYLOAD_PATH] = lambda body, headers: service.pushed(body, headers.get("x-hub-signature-256", ""))
    return service
