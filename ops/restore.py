"""Bring a backup of a stack's database into a database: python -m ops.restore STACK --database NAME [--at KEY] [--over]

An empty or new database is filled; one that is not empty only with --over, and then all that is in it goes.
"""

import argparse
from collections.abc import Sequence

from ops.data import act_on_data
from ops.errors import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.restore", description="Bring a backup into a database.")
    parser.add_argument("stack", help="<system>.<environment>, like teammoa.prod")
    parser.add_argument("--database", required=True, help="where to; made when there is none of that name")
    parser.add_argument("--at", metavar="KEY", help="the backup's key in the bucket (default: the newest)")
    parser.add_argument("--over", action="store_true", help="what is in the database goes")
    options = parser.parse_args(arguments)
    chosen = [*(["--at", options.at] if options.at else []), *(["--over"] if options.over else [])]
    return act_on_data(options.stack, ["restore", "--database", options.database, *chosen])


if __name__ == "__main__":
    run_command(main)
