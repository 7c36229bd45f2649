"""`python -m localcloud.astrago start|status|stop|serve --home HOME`: the three services in the background."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from localcloud.astrago import world
from localcloud.polling import until

START_SECONDS = 20.0
STOP_SECONDS = 10.0
ROOT = Path(__file__).parents[2]


def running(home: Path) -> int | None:
    """The process that serves this home, or None."""
    file = home / "pid"
    if not file.exists():
        return None
    pid, born = file.read_text().split()
    return int(pid) if _born(int(pid)) == born else None


def _born(pid: int) -> str:
    """When a process began: a number that is given out again names another one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def start(home: Path) -> int:
    """Have the services answer and print the variables that lead to them."""
    home.mkdir(parents=True, exist_ok=True)
    variables = home / "variables.json"
    if running(home) is None:
        variables.unlink(missing_ok=True)
        with (home / "log").open("wb") as log:
            command = [sys.executable, "-m", "localcloud.astrago", "serve", "--home", str(home)]
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (home / "pid").write_text(f"{process.pid} {_born(process.pid)}")
        if not until(lambda: variables.exists() or process.poll() is not None, START_SECONDS) or process.poll():
            lines = (home / "log").read_text().strip().splitlines() or ["it says nothing"]
            print(f"Astrago's services do not start: {lines[-1]}", file=sys.stderr)
            return 1
    print(variables.read_text())
    return 0


def stop(home: Path) -> int:
    pid = running(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if not until(lambda: running(home) is None, STOP_SECONDS):
            print(f"process {pid} does not end", file=sys.stderr)
            return 1
    (home / "pid").unlink(missing_ok=True)
    return 0


def serve(home: Path) -> int:
    """Answer until told to stop. The keys stay the same as long as the home does."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    file = home / "keys.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(world.Keys.fresh())))
    with world.serve(home, world.Keys(**json.loads(file.read_text())), world.PORTS) as astrago:
        ready = home / "variables.new"
        ready.touch(mode=0o600)
        ready.write_text(json.dumps(astrago.variables()))
        ready.replace(home / "variables.json")
        done.wait()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m localcloud.astrago")
    parser.add_argument("word", choices=("start", "status", "stop", "serve"))
    parser.add_argument("--home", type=Path, required=True)
    chosen = parser.parse_args()
    if chosen.word == "status":
        sys.exit(0 if running(chosen.home) else 1)
    sys.exit({"start": start, "stop": stop, "serve": serve}[chosen.word](chosen.home))
