"""The names outsiders know a system's resources by, and the tags they carry. Pure."""

from dataclasses import dataclass

PROJECT = "infra-release"

# AWS's limits of what a name is put into, with what is put behind it.
LONGEST_NAME = min(
    32 - len("-alb"),  # load balancer and target group: 32
    64 - len("-github-preview"),  # role: 64
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """The physical names of a system in one environment; `base` is the document's name, such as LiveInsight."""

    base: str
    environment: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.base) <= LONGEST_NAME:
            raise ValueError(f"the name {self.base!r} must have 1 to {LONGEST_NAME} characters, has {len(self.base)}")

    @property
    def cluster(self) -> str:
        return f"{self.base}-cluster"

    @property
    def service(self) -> str:
        return f"{self.base}-service"

    @property
    def balancer(self) -> str:
        return f"{self.base}-alb"

    @property
    def target_group(self) -> str:
        return f"{self.base}-tg"

    @property
    def family(self) -> str:
        """The task definition family of released revisions."""
        return self.base

    @property
    def template_family(self) -> str:
        """The task definition family a release takes everything but the image from."""
        return f"{self.base}-template"

    @property
    def container(self) -> str:
        return "app"

    @property
    def log_group(self) -> str:
        return f"/ecs/{self.base}"

    @property
    def table(self) -> str:
        return f"{self.base}-releases"

    @property
    def execution_role(self) -> str:
        return f"{self.base}-execution"

    @property
    def task_role(self) -> str:
        return f"{self.base}-task"

    @property
    def hosts(self) -> str:
        """Role, profile and security group of the hosts that serve."""
        return f"{self.base}-web"

    @property
    def data_host(self) -> str:
        """Role, profile and security group of the host that keeps the data."""
        return f"{self.base}-data"

    @property
    def release_role(self) -> str:
        return f"{self.base}-github-release"

    @property
    def preview_role(self) -> str:
        return f"{self.base}-github-preview"

    @property
    def dashboard(self) -> str:
        return self.base

    def alarm(self, subject: str) -> str:
        return f"{self.base}-{subject}"

    @property
    def topic(self) -> str:
        return f"{self.base}-alarms"

    @property
    def budget(self) -> str:
        return f"{self.base}-{self.environment}"

    @property
    def ssh_key(self) -> str:
        """The SSM parameter of the private key that opens the hosts; its public half is `<this>.pub`."""
        return self.parameter("ssh-key")

    @property
    def host_keys(self) -> str:
        """Before `<instance id>/host-key`: the SSM parameter in which a host says how it is known."""
        return self.parameter("hosts/")

    def backup_bucket(self, account: str) -> str:
        """A bucket's name is the world's: the account keeps it apart."""
        return f"{self.base}-{self.environment}-backups-{account}".lower()

    def parameter(self, variable: str) -> str:
        """The SSM parameter of a setting."""
        return f"/{self.base}/{self.environment}/{variable}"


def default_tags(system: str, environment: str) -> dict[str, str]:
    """What every resource of a stack carries, set once on the provider."""
    return {"Project": PROJECT, "System": system, "Environment": environment, "ManagedBy": "pulumi"}
