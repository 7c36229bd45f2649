"""The addresses of one cloud, all made from its port, so that two clouds on a machine never meet."""


def balancers(port: int) -> list[str]:
    """The loopback addresses load balancers may have."""
    return [f"127.{port >> 8}.{port & 255}.{last}" for last in range(1, 255)]


def machines(port: int) -> str:
    """The first three numbers of the machines' network."""
    return f"10.{port >> 8}.{port & 255}"


def gateway(port: int) -> str:
    """Under which the machines see everything that runs on the host: the cloud, its balancers, and its user."""
    return f"{machines(port)}.1"
