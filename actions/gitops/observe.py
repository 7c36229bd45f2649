"""Tell what a branch says now: component → tag as one JSON object, for `pulumi refresh`."""

import json
import sys

from actions.errors import ReleaseError
from actions.github import Refused, Rest
from actions.gitops import request, values
from actions.gitops.repository import Repository

RIGHT = "looking needs `contents: read`"


def observe(asked: request.GitOpsRequest) -> dict[str, str]:
    """The tags of the first file in which one differs from what is wanted, so that no file's drift is missed."""
    rest = Rest(api_url=asked.api_url, token=asked.secrets.github_token, right=RIGHT)
    repository = Repository(rest, asked.repository)
    paths = {name: asked.path(name) for name in asked.tags}
    for path in asked.files:
        found = values.tags(repository.file(path, asked.branch).text, paths, path)
        if found != asked.tags:
            return found
    return dict(asked.tags)


if __name__ == "__main__":
    try:
        print(json.dumps(observe(request.from_environment())))
    except (ReleaseError, Refused) as error:
        sys.exit(str(error))
