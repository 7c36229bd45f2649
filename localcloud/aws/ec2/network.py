"""The Docker network of one cloud's machines, and the address under which they see the cloud and its user."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from localcloud.aws import addresses
from localcloud.aws.home import CLOUD_LABEL, CloudError

FIRST, LAST = 10, 200  # the machines' last numbers; below is the gateway, above are elastic addresses


class Network:
    """Made when the first machine needs it. Its addresses follow from the cloud's port, as the balancers' do."""

    def __init__(self, cloud_id: str, port: int, listen: Callable[[str], None]) -> None:
        self.name = f"localcloud-{cloud_id}"
        self.prefix = addresses.machines(port)
        self.gateway = addresses.gateway(port)
        self._cloud_id = cloud_id
        self._listen = listen
        self._lock = threading.Lock()
        self._there = False

    def ensure(self, docker: Any) -> None:
        """Have the network, and the cloud answering on its gateway; CloudError when the address range is taken."""
        with self._lock:
            if self._there:
                return
            if not docker.networks.list(names=[self.name]):
                self._create(docker)
            self._listen(self.gateway)
            self._there = True

    def _create(self, docker: Any) -> None:
        from docker.errors import APIError
        from docker.types import IPAMConfig, IPAMPool

        pool = IPAMPool(subnet=f"{self.prefix}.0/24", gateway=self.gateway)
        try:
            docker.networks.create(
                self.name,
                driver="bridge",
                ipam=IPAMConfig(pool_configs=[pool]),
                labels={CLOUD_LABEL: self._cloud_id},
            )
        except APIError as error:
            raise CloudError(f"The network {self.prefix}.0/24 cannot be made: {error.explanation}") from error

    def free_address(self, taken: Iterable[str]) -> str:
        """An address no instance has."""
        used = set(taken)
        with contextlib.suppress(StopIteration):
            return next(found for last in range(FIRST, LAST) if (found := f"{self.prefix}.{last}") not in used)
        raise CloudError(f"The local cloud has room for {LAST - FIRST} instances, and all are taken.")
