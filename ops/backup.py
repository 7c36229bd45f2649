"""Make one backup of a stack's database now: python -m ops.backup STACK"""

import argparse
from collections.abc import Sequence

from ops.data import act_on_data
from ops.errors import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.backup", description="Make one backup of a database now.")
    parser.add_argument("stack", help="<system>.<environment>, like teammoa.prod")
    return act_on_data(parser.parse_args(arguments).stack, ["backup"])


if __name__ == "__main__":
    run_command(main)
