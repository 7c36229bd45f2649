"""Floating IPs: loopback addresses on which the ports that security groups allow reach the server, and nothing else.

A port is open while the server itself listens there, as it would be on a network.
"""

import asyncio
import contextlib
import ipaddress
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcloud.openstack.cloud import Cloud
from localcloud.openstack.model import Thing

LISTEN = "0A"  # the kernel's word in /proc/net/tcp
SSH = 22
CHUNK = 65536


@dataclass(frozen=True, kw_only=True)
class Way:
    """From a port of a floating IP to the server's."""

    public: str
    port: int
    inner: str
    name: str  # of the server


def listening(process: int) -> set[int]:
    """The TCP ports on which a computer listens for others."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                own = address.endswith("7F") if table == "tcp" else address == "0" * 24 + "01000000"
                if fields[3] == LISTEN and not own:
                    found.add(int(port, 16))
    return found


def allows(cloud: Cloud, port: Thing, number: int, source: str) -> bool:
    """Whether a rule of the port's groups lets this source in; an empty source: whether anybody."""
    for rule in cloud.world.listed("rules"):
        if rule["security_group_id"] not in port["security_groups"] or rule["direction"] != "ingress":
            continue
        if rule["protocol"] not in (None, "tcp", "6") or rule["ethertype"] != "IPv4" or rule["remote_group_id"]:
            continue
        if not (rule["port_range_min"] or 0) <= number <= (rule["port_range_max"] or 65535):
            continue
        prefix = rule["remote_ip_prefix"]
        if not source or not prefix or ipaddress.ip_address(source) in ipaddress.ip_network(prefix):
            return True
    return False


def ways(cloud: Cloud, running: dict[str, int]) -> dict[Way, Thing]:
    """What should be open now, each way with its Neutron port."""
    found = {}
    for floating in cloud.world.listed("floating_ips"):
        port = cloud.world.of("ports").get(floating["port_id"] or "")
        server = cloud.world.of("servers").get(port["device_id"]) if port else None
        if port is None or server is None or server["id"] not in running:
            continue
        for number in listening(running[server["id"]]):
            if allows(cloud, port, number, "") and not (number == SSH and server.get("_no_ssh")):
                way = Way(
                    public=floating["floating_ip_address"],
                    port=number,
                    inner=floating["fixed_ip_address"],
                    name=server["name"],
                )
                found[way] = port
    return found


class Forwarding:
    """The open ways, followed by one thread."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._open: dict[Way, asyncio.Server] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def follow(self, running: dict[str, int]) -> None:
        """Open and close what differs."""
        with self._cloud.world.lock:
            wanted = ways(self._cloud, running)
        for way in [way for way in self._open if way not in wanted]:
            self._open.pop(way).close()
        for way in [way for way in wanted if way not in self._open]:
            future = asyncio.run_coroutine_threadsafe(self._listen(way, wanted[way]), self._loop)
            try:
                self._open[way] = future.result(5)
            except OSError as error:
                print(f"{way.public}:{way.port} cannot be opened: {error}", file=sys.stderr)

    def close(self) -> None:
        self.follow({})
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _listen(self, way: Way, port: Thing) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            source = writer.get_extra_info("peername")[0]
            if not allows(self._cloud, port, way.port, source):
                writer.transport.abort()
                return
            try:
                inner = await asyncio.open_connection(way.inner, way.port)
            except OSError:
                writer.transport.abort()
                return
            await _relay((reader, writer), inner, self._fuse(way))

        return await asyncio.start_server(connected, way.public, way.port, reuse_address=True)

    def _fuse(self, way: Way) -> Callable[[int], bool]:
        """Told of every piece sent to the server; True when the connection is to be cut."""
        fault = self._cloud.faults.take("cut-upload", whom=way.name) if way.port == SSH else None
        left = int(fault.get("bytes", 1_000_000)) if fault else None

        def blown(size: int) -> bool:
            nonlocal left
            if left is None:
                return False
            left -= size
            return left <= 0

        return blown


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _relay(outer: Ends, inner: Ends, blown: Callable[[int], bool]) -> None:
    def cut() -> None:
        outer[1].transport.abort()
        inner[1].transport.abort()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fused: bool) -> None:
        try:
            while piece := await reader.read(CHUNK):
                if fused and blown(len(piece)):
                    return cut()
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
        except OSError:
            cut()

    await asyncio.gather(pump(outer[0], inner[1], True), pump(inner[0], outer[1], False))
    for writer in (outer[1], inner[1]):
        writer.close()
