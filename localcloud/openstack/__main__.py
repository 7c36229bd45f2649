"""python -m localcloud.openstack start|stop|status|serve --home DIR [--port N]"""

import sys

from localcloud import command_line
from localcloud.openstack import process

if __name__ == "__main__":
    sys.exit(
        command_line.run(
            "localcloud.openstack",
            "The local OpenStack cloud.",
            4590,
            start=process.start,
            stop=process.stop,
            status=process.status,
            serve=process.serve,
        )
    )
