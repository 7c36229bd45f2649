"""`python3 -m localcloud up|down|status`: see `localcloud/up/cli.py`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this line is for older ones
    sys.exit("localcloud: Python 3.11 or newer is needed, this is " + sys.version.split()[0])

from localcloud.up.cli import main  # the modules above need the new language

sys.exit(main())
