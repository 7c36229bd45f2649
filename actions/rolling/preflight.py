"""Everything a rolling release needs, checked side by side before anything moves, and printed as OK and NG."""

from collections.abc import Callable
from dataclasses import dataclass, field

from actions import checklist
from actions.checklist import NotReady
from actions.clients import Clients
from actions.hosts.host import Observed
from actions.rolling.course import Tools
from actions.rolling.fleet import Fleet
from actions.rolling.image import Image, look_up
from actions.rolling.needs import needs

SPARE_MB = 256  # beside the image: containers, logs


@dataclass
class Preflight:
    """Checks one request against the world; what was found is kept for the plan."""

    aws: Clients
    tools: Tools
    fleet: Fleet
    returning: bool  # back to a verified release, which firing alarms must not stop
    image: Image | None = field(default=None, init=False)
    observed: dict[str, Observed] = field(default_factory=dict, init=False)

    def run(self) -> Image:
        """The image. Raises `PreflightFailed` with every NG line."""
        asked = self.tools.asked
        first: dict[str, Callable[[], str]] = {
            "image": self._image,
            "permissions": lambda: checklist.granted(self.aws, lambda account: needs(asked, account)),
            "hosts": self._hosts,
            "target group": self._target_group,
            "alarms": lambda: checklist.no_alarm(self.aws, asked.alarms, returning=self.returning),
        }
        found = checklist.outcomes(first, self.tools.clock)
        then = {"docker": self._docker, "architecture": self._architecture, "disk": self._disk}
        checklist.report(found | checklist.outcomes(then), self.tools.progress)
        return self._known_image

    @property
    def _known_image(self) -> Image:
        if self.image is None:
            raise NotReady("not checked: there is no image")
        return self.image

    def _image(self) -> str:
        asked = self.tools.asked
        digest = checklist.image_digest(self.aws, asked.repository, asked.tag)
        self.image = look_up(self.aws, asked.repository, digest)
        return f"{asked.tag} = {digest[:19]}, {', '.join(sorted(self.image.architectures))}"

    def _hosts(self) -> str:
        """All can be reached and are the machines they claim to be."""
        problems = []
        for name, look in self.fleet.observe().items():
            if isinstance(look, Observed):
                self.observed[name] = look
            else:
                problems.append(str(look))
        if problems:
            raise NotReady("; ".join(problems))
        return ", ".join(f"{name} {look.digest[:19] or 'runs nothing'}" for name, look in self.observed.items())

    def _docker(self) -> str:
        if down := [name for name, look in self.observed.items() if not look.docker]:
            raise NotReady(f"Docker does not answer on {', '.join(down)}; start it with `systemctl start docker`")
        return f"answers on {len(self.observed)} of {len(self.tools.asked.hosts)} hosts"

    def _architecture(self) -> str:
        found = {look.architecture for look in self.observed.values()}
        self._known_image.require(found)
        return ", ".join(sorted(found))

    def _disk(self) -> str:
        image = self._known_image
        wanted = image.size_mb + SPARE_MB
        full = [
            f"{name} has {look.free_mb} MB"
            for name, look in self.observed.items()
            if look.free_mb < wanted and image.digest not in (look.installed, look.staged)
        ]
        if full:
            raise NotReady(f"expected {wanted} MB free, found: {', '.join(full)}; `docker system prune` frees some")
        least = min((look.free_mb for look in self.observed.values()), default=0)
        return f"{least} MB free at least, {wanted} needed"

    def _target_group(self) -> str:
        states = self.tools.targets.states()
        healthy = sum(states.get(host.instance) == "healthy" for host in self.tools.asked.hosts)
        return f"{healthy} of {len(self.tools.asked.hosts)} hosts healthy"
