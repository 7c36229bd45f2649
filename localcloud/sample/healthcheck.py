"""Exit 0 when the service in this container says it is healthy."""

import http.client
import os
import sys


def main() -> int:
    """Ask `/health/` once, for at most two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=2)
    try:
        connection.request("GET", "/health/")
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
