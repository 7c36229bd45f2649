"""The command line of a server in the background: `start|stop|status|serve --home DIR [--port N]`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from localcloud.aws.home import CloudError, Running


def run(
    module: str,
    description: str,
    port: int,
    *,
    start: Callable[[Path, int], Mapping[str, str]],
    stop: Callable[[Path], None],
    status: Callable[[Path], Running | None],
    serve: Callable[[Path, int], None],
) -> int:
    """The exit code; every error is one sentence. `port` is the one it takes unless another is named."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("word", choices=["start", "stop", "status", "serve"])
    parser.add_argument("--home", type=Path, required=True, help="directory of this cloud")
    parser.add_argument("--port", type=int, default=port)
    options = parser.parse_args()
    try:
        match options.word:
            case "start":
                print(json.dumps(start(options.home, options.port)))
            case "stop":
                stop(options.home)
            case "status":
                server = status(options.home)
                print(f"runs on port {server.port}" if server else "does not run")
                return 0 if server else 1
            case _:
                serve(options.home, options.port)
    except CloudError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
