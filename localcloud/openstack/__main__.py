"""python -m localcloud.openstack start|stop|status|serve --home DIR [--port N]"""

import argparse
import json
import sys
from pathlib import Path

from localcloud.aws.home import CloudError
from localcloud.openstack import process


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m localcloud.openstack", description="The local OpenStack cloud.")
    parser.add_argument("word", choices=["start", "stop", "status", "serve"])
    parser.add_argument("--home", type=Path, required=True, help="directory of this cloud")
    parser.add_argument("--port", type=int, default=4590)
    options = parser.parse_args()
    try:
        return _run(options.word, options.home, options.port)
    except CloudError as error:
        print(error, file=sys.stderr)
        return 1


def _run(word: str, home: Path, port: int) -> int:
    if word == "start":
        print(json.dumps(process.start(home, port)))
    elif word == "stop":
        process.stop(home)
    elif word == "status":
        server = process.status(home)
        print(f"runs on port {server.port}" if server else "does not run")
        return 0 if server else 1
    else:
        process.serve(home, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
