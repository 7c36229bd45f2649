"""One backup of the data host now, or a backup into a database: what `ops.backup` and `ops.restore` run.

python -m actions.backup_data backup
python -m actions.backup_data restore --database NAME [--at KEY] [--over]

The environment is that of `actions.apply_data`.
"""

import argparse
import json
import sys

from botocore.exceptions import BotoCoreError, ClientError

from actions import data_host, lifeline
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.permissions import refusal
from actions.progress import Progress


def work(cancellation: Cancellation) -> int:
    options = _options()
    progress = Progress()
    try:
        request = data_host.from_environment()
        with data_host.reached(request, cancellation, progress) as machine:
            if options.what == "backup":
                done = machine.backup(request.backups)
                progress.say(f"s3://{done['bucket']}/{done['key']}: {done['bytes']} bytes, {done['encryption']}")
            else:
                done = machine.restore(request.backups, key=options.at, database=options.database, over=options.over)
                progress.say(f"{done['key']} is in {done['database']}: {done['tables']} tables")
        print(json.dumps(done), flush=True)
    except (ReleaseError, ClientError, BotoCoreError) as error:
        progress.say(f"failed: {refusal(error) if isinstance(error, ClientError) else error}")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m actions.backup_data")
    words = parser.add_subparsers(dest="what", required=True)
    words.add_parser("backup")
    restore = words.add_parser("restore")
    restore.add_argument("--at", default="")
    restore.add_argument("--database", required=True)
    restore.add_argument("--over", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(lifeline.run(work))
