"""What anybody on the machine can read of its processes for a while: their command lines."""

import threading
from pathlib import Path

LOOK_SECONDS = 0.2


class ProcessList:
    """`with ProcessList() as seen:` collects every command line that is there at one of its looks."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> list[str]:
        self._thread.start()
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        self._seen.append((entry / "cmdline").read_bytes().decode(errors="replace"))
                    except OSError:  # gone meanwhile
                        continue
