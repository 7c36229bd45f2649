"""The time that servers of this cloud are told: the host's own, by NTP."""

import contextlib
import socket
import struct
import threading
import time

EPOCH = 2_208_988_800  # seconds from NTP's beginning to Unix's
PACKET = struct.Struct("!BBbbII4sQQQQ")
SYNCHRONISED, VERSION, SERVER = 0, 4, 4
STRATUM = 3
PRECISION = -20  # about a microsecond
DISPERSION = 0x100  # 1/256 s


def stamp(seconds: float) -> int:
    """NTP's 64 bits for a Unix time."""
    return int((seconds + EPOCH) * (1 << 32))


def reply(question: bytes, received: float) -> bytes | None:
    """The answer to a client's packet; None to anything else."""
    if len(question) < PACKET.size or question[0] & 7 != 3:
        return None
    asked = struct.unpack("!Q", question[40:48])[0]
    first = SYNCHRONISED << 6 | VERSION << 3 | SERVER
    poll = question[2]
    reference = stamp(received - 1)
    return PACKET.pack(
        first,
        STRATUM,
        poll,
        PRECISION,
        0,
        DISPERSION,
        b"\x7f\x00\x00\x01",
        reference,
        asked,
        stamp(received),
        stamp(time.time()),
    )


class TimeServer:
    """Answers on a UDP port for the length of a `with`."""

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "TimeServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                question, caller = self._socket.recvfrom(512)
                answer = reply(question, time.time())
                if answer:
                    self._socket.sendto(answer, caller)
