"""python -m localcloud.aws start|stop|status|serve --home DIR [--port N]"""

import sys
from pathlib import Path

from localcloud import command_line
from localcloud.aws import process


def _serve(home: Path, port: int) -> None:
    from localcloud.aws.server import serve  # here, because the other words need none of what it imports

    serve(home, port)


if __name__ == "__main__":
    sys.exit(
        command_line.run(
            "localcloud.aws",
            "The AWS of the local cloud.",
            4566,
            start=process.start,
            stop=process.stop,
            status=process.status,
            serve=_serve,
        )
    )
