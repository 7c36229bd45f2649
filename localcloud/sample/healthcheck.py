"""Exit 0 when the service in this container says it is healthy.

A bare socket: this runs every few seconds in every container, and an HTTP library takes longer to load than to use.
"""

import os
import socket
import sys

REQUEST = b"GET /health/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
SECONDS = 10  # Docker's own limit for a health check is shorter or as long


def main() -> int:
    """Ask `/health/` once."""
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ.get("PORT", "8000"))), timeout=SECONDS) as asked:
            asked.sendall(REQUEST)
            with asked.makefile("rb") as answer:
                words = answer.readline(64).split()
    except OSError:
        return 1
    return 0 if words[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main())
