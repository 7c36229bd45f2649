"""The load balancers of the cloud: MiniStack's records made true by HAProxy.

Load balancers, listeners, rules and groups are structure: a change of it is a reload that keeps connections and health
states. Targets come and go through HAProxy's runtime API, without a reload.
"""

import hashlib
import itertools
import logging
import threading
import time
from dataclasses import dataclass, field

from localcloud.aws import addresses, haproxy_config, model
from localcloud.aws.certificates import Certificates
from localcloud.aws.haproxy import HAProxy
from localcloud.aws.home import CloudError, Home
from localcloud.aws.target_health import (
    DRAINING,
    NOT_IN_USE,
    NOT_REGISTERED,
    REGISTERING,
    History,
    TargetHealth,
    judge,
)

LOOK_SECONDS = 0.25  # how often the states are read while there are targets
FRESH_SECONDS = 0.02  # a question about many targets is answered from one look
log = logging.getLogger("localcloud.balancer")

Key = tuple[str, str, int]  # target group ARN, target id, port


@dataclass(kw_only=True)
class Target:
    """A registered or draining target.

    Its server has a name that is never used again, so that a cookie does not lead to another target at the same
    address; what stands before the underscore is the Host of its health checks.
    """

    group: str
    id: str
    port: int
    server: str
    address: str
    live: bool = False  # HAProxy knows the server
    drain_until: float | None = None
    health: TargetHealth = REGISTERING
    history: History = field(default_factory=History)

    @property
    def key(self) -> Key:
        return self.group, self.id, self.port


def _digest(content: str) -> str:
    """A file name that changes with the content, so that a change of it is a change of the configuration."""
    return hashlib.sha256(content.encode()).hexdigest()[:24]


class Balancer:
    """Registers targets, tells their health, and keeps HAProxy in step with MiniStack. Thread-safe.

    Targets are named by the ARN of their group, which holds account and region, so no request scope is needed.
    """

    def __init__(self, home: Home, port: int, certificates: Certificates) -> None:
        self.haproxy = HAProxy(home)
        self._certificates = certificates
        self._port = port
        self._lock = threading.RLock()
        self._targets: dict[Key, Target] = {}
        self._leaving: list[Target] = []  # draining, or draining and already registered anew
        self._numbers = itertools.count(1)
        self._model = model.Model(listeners=(), groups={})
        self._structure = ""
        self._wake = threading.Event()
        self._closed = False
        self._looked = 0.0
        threading.Thread(target=self._watch, name="balancer", daemon=True).start()

    # -- addresses ---

    def free_address(self, taken: set[str]) -> str:
        """A loopback address of this cloud's own: its port makes the second and third number."""
        for address in addresses.balancers(self._port):
            if address not in taken:
                return address
        raise CloudError("The local cloud has room for 254 load balancers, and all are taken.")

    # -- targets ---

    def register(self, target_group_arn: str, ip: str, port: int, address: str | None = None) -> None:
        """Add a target (`address` where its id is not one). It gets no request before its checks have passed."""
        with self._lock:
            key = (target_group_arn, ip, port)
            present = self._targets.get(key)
            if present is not None and present.drain_until is None:
                return
            target = Target(
                group=target_group_arn,
                id=ip,
                port=port,
                server=f"{address or ip}:{port}_{next(self._numbers)}-{int(time.time())}",
                address=address or ip,
            )
            self._targets[key] = target
            self._add_server(target)
            self._wake.set()

    def deregister(self, target_group_arn: str, ip: str, port: int) -> None:
        """Give a target no further request; it drains until nothing is in flight, at most the group's delay."""
        with self._lock:
            target = self._targets.get((target_group_arn, ip, port))
            if target is None or target.drain_until is not None:
                return
            group = self._model.groups.get(target_group_arn)
            if group is None or not target.live:
                del self._targets[target.key]
                return
            self.haproxy.command(f"set server {group.name}/{target.server} state maint")
            target.drain_until = time.monotonic() + group.delay
            target.health = DRAINING
            self._leaving.append(target)
            self._wake.set()

    def state(self, target_group_arn: str, ip: str, port: int) -> TargetHealth:
        """The health of one target now."""
        with self._lock:
            target = self._targets.get((target_group_arn, ip, port))
            if target is None:
                return NOT_REGISTERED
            if target_group_arn not in self._model.groups:
                return NOT_IN_USE
            if time.monotonic() - self._looked > FRESH_SECONDS:
                self._look()
            return self._targets[target.key].health if target.key in self._targets else NOT_REGISTERED

    def targets(self, target_group_arn: str) -> list[tuple[str, int]]:
        """Id and port of every target that is registered or draining, in order of registration."""
        with self._lock:
            return [(target.id, target.port) for target in self._targets.values() if target.group == target_group_arn]

    def forget_group(self, target_group_arn: str) -> None:
        """Drop the targets of a group that is deleted."""
        with self._lock:
            for key in [key for key in self._targets if key[0] == target_group_arn]:
                del self._targets[key]

    def _add_server(self, target: Target) -> None:
        """Add a server that starts as down: HAProxy would take a new one for healthy until a check fails."""
        group = self._model.groups.get(target.group)
        if group is None or not self.haproxy.running():
            return
        name = f"{group.name}/{target.server}"
        said = self.haproxy.command(
            f"add server {name} {target.address}:{target.port} {haproxy_config.server_options(group)}",
            f"enable health {name}",
            f"set server {name} state drain",
            f"set server {name} health down",
            f"set server {name} state ready",
        )
        if "New server registered" not in said:
            raise CloudError(f"HAProxy does not take the target {target.id}:{target.port}: {said.splitlines()[0]}")
        target.live = True

    # -- structure ---

    def sync(self) -> None:
        """Make HAProxy follow MiniStack's present load balancers.

        Raises CloudError when HAProxy cannot: the answer to the request that changed them.
        """
        with self._lock:
            wanted = model.read()
            certificates, bodies = self._files(wanted)
            structure = haproxy_config.render(wanted, certificates, bodies, {})
            if structure == self._structure and self.haproxy.running():
                return
            if not wanted.listeners and not self.haproxy.running():
                self._model, self._structure = wanted, structure
                return
            kept = {arn for arn in wanted.groups if arn in self._model.groups} if self.haproxy.running() else set()
            servers = {
                arn: [self._server_line(target, wanted.groups[arn]) for target in self._staying(arn)] for arn in kept
            }
            self.haproxy.apply(haproxy_config.render(wanted, certificates, bodies, servers))
            self._model, self._structure = wanted, structure
            for target in self._targets.values():
                if target.group not in kept and target.drain_until is None:
                    target.live, target.health, target.history = False, REGISTERING, History()
                    self._add_server(target)
            self._wake.set()

    def _staying(self, arn: str) -> list[Target]:
        return [
            target
            for target in self._targets.values()
            if target.group == arn and target.live and target.drain_until is None
        ]

    def _server_line(self, target: Target, group: model.Group) -> str:
        return f"{target.server} {target.address}:{target.port} {haproxy_config.server_options(group)}"

    def _files(self, wanted: model.Model) -> tuple[dict[str, str], dict[str, str]]:
        certificates = {}
        for listener in wanted.listeners:
            if listener.protocol == "HTTPS":
                content = self._certificates.bundle(listener.certificates)
                certificates[listener.arn] = self.haproxy.write(f"{_digest(content)}.pem", content)
        texts = {
            str(rule.action["FixedResponseConfig"].get("MessageBody") or "")
            for listener in wanted.listeners
            for rule in listener.rules
            if rule.action.get("Type") == "fixed-response"
        }
        bodies = {text: self.haproxy.write(f"{_digest(text)}.txt", text) for text in sorted(texts) if text}
        return certificates, bodies

    # -- observation ---

    def _watch(self) -> None:
        while not self._closed:
            try:
                busy = self._look()
            except Exception:
                log.exception("the balancer's states cannot be read")
                busy = True
            if busy:
                time.sleep(LOOK_SECONDS)
            else:
                self._wake.wait()
            self._wake.clear()

    def _look(self) -> bool:
        """Bring every target's state up to date; False when there is nothing to look at."""
        with self._lock:
            if self._closed or not (self._targets or self._leaving) or not self._model.groups:
                return False
            if not self.haproxy.running():
                self._restart()
            seen = self.haproxy.servers()
            self._looked = now = time.monotonic()
            for target in self._targets.values():
                server = seen.get(target.server)
                group = self._model.groups.get(target.group)
                if server and group and target.drain_until is None:
                    target.health = judge(server, target.history, group.check, now)
            old = self.haproxy.old_workers()
            self.haproxy.end_idle_workers(old)
            for target in list(self._leaving):
                found = [servers[target.server] for servers in (seen, *old.values()) if target.server in servers]
                if not any(server.in_flight for server in found) or now >= (target.drain_until or 0):
                    self._remove(target)
            return True

    def _restart(self) -> None:
        log.error("HAProxy has ended; it is started anew")
        self._structure = ""
        for target in self._leaving:
            target.live = False
        self.sync()

    def _remove(self, target: Target) -> None:
        """The end of draining: what is still in flight after the delay is cut off."""
        name = f"{model.backend(target.group)}/{target.server}"
        self.haproxy.cut_off(name)
        said = self.haproxy.command(f"del server {name}")
        if "still has connections" in said:
            return  # they are being closed; the next look removes it
        self._leaving.remove(target)
        if self._targets.get(target.key) is target:
            del self._targets[target.key]

    def close(self) -> None:
        """End HAProxy and the watching."""
        with self._lock:
            self._closed = True
            self._wake.set()
            self.haproxy.close()
