"""The three services in one process: GitHub with three repositories, a registry, and Argo CD that follows one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.argocd.server import Application, ArgoServer, ArgoWorld
from localcloud.github.git import Git
from localcloud.github.model import Repository, Token, World
from localcloud.github.server import GitHubServer
from localcloud.registry.server import Images, RegistryServer

OWNER = "xiilab"
DEPLOYMENT = f"{OWNER}/astrago-deployment"
BACKEND, FRONTEND = f"{OWNER}/astrago-backend", f"{OWNER}/astrago-frontend"
SOURCES = {"core": BACKEND, "batch": BACKEND, "monitor": BACKEND, "frontend": FRONTEND}
BRANCH = "main"
APPLICATION_BRANCH = "stabilize/1.0"
BUILDS = 4  # commits of each application repository
VALUES = "helmfile/environments/customers/{customer}/values.yaml"
CUSTOMERS = ("xiilab", "posco")
PORTS = (4580, 4581, 4582)
USER = "astrago"
FIRST = 1_760_000_000  # fixed times make commits, and so tags, the same everywhere
LAYOUT = Path(__file__).parent / "layout"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What the services ask for."""

    github: str
    argocd: str
    registry: str

    @classmethod
    def fresh(cls) -> "Keys":
        return cls(github=secrets.token_hex(20), argocd=secrets.token_hex(20), registry=secrets.token_hex(20))


@dataclass(frozen=True, kw_only=True)
class Astrago:
    """Everything at hand for those who look, and who break things on purpose."""

    keys: Keys
    deployment: Git
    applications: dict[str, Git]  # repository → its commits
    world: World
    argo: ArgoWorld
    images: Images
    github: GitHubServer
    argocd: ArgoServer
    registry: RegistryServer

    def variables(self) -> dict[str, str]:
        """What a caller of `pulumi` exports."""
        return {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_TOKEN": self.keys.github,
            "ARGOCD_TOKEN": self.keys.argocd,
            "REGISTRY_USERNAME": USER,
            "REGISTRY_PASSWORD": self.keys.registry,
        }

    def tag(self, component: str, build: int) -> str:
        """The tag of a component's build, counted from the first."""
        commits = self.applications[SOURCES[component]].history(APPLICATION_BRANCH)
        return f"{component}-stage-{commits[-1 - build][:8]}"

    def push(self, component: str, build: int) -> str:
        """That tag, in the registry."""
        tag = self.tag(component, build)
        self.images.add(SOURCES[component], tag)
        return tag

    def values(self, customer: str = CUSTOMERS[0]) -> bytes:
        found = self.deployment.content(BRANCH, VALUES.format(customer=customer))
        return found[1] if found else b""


def create(home: Path) -> tuple[Git, dict[str, Git]]:
    """The repositories, made unless they are there."""
    deployment = home / "astrago-deployment.git"
    if not deployment.exists():
        files = {path.relative_to(LAYOUT).as_posix(): path.read_bytes() for path in LAYOUT.rglob("*.yaml")}
        for branch in (BRANCH, "dev", "prod"):
            if branch == BRANCH:
                Git.create(deployment, files, BRANCH)
            else:
                git = Git(deployment)
                git.move(branch, git.resolve(BRANCH) or "", None)
    applications = {}
    for name in (BACKEND, FRONTEND):
        place = home / f"{name.rpartition('/')[2]}.git"
        git = Git(place)
        if not place.exists():
            git = Git.create(place, {"NAME": f"{name}\n".encode()}, APPLICATION_BRANCH, date=FIRST)
            for build in range(1, BUILDS):
                git.add(APPLICATION_BRANCH, {"VERSION": f"{build}\n".encode()}, f"Build {build}", date=FIRST + build)
        applications[name] = git
    return Git(deployment), applications


@contextmanager
def serve(home: Path, keys: Keys, ports: tuple[int, int, int] = (0, 0, 0)) -> Iterator[Astrago]:
    """The services, for the length of a `with`."""
    deployment, applications = create(home)
    repositories = {DEPLOYMENT: Repository(name=DEPLOYMENT, git=deployment.directory)}
    repositories |= {name: Repository(name=name, git=git.directory) for name, git in applications.items()}
    rights = {"contents": "write", "pull-requests": "write"}
    world = World(repositories=repositories, tokens={keys.github: Token(login="release", permissions=rights)})
    images = Images(users={USER: keys.registry})
    argo = ArgoWorld(tokens={keys.argocd}, has=images.has)
    for customer in CUSTOMERS:
        name = f"astrago-{customer}"
        file = VALUES.format(customer=customer)
        argo.applications[name] = Application(name=name, git=deployment, branch=BRANCH, file=file)
    for component in SOURCES:
        images.add(SOURCES[component], f"{component}-stage-ba01")  # the tags the document found there
    with (
        GitHubServer(world, ports[0]) as github,
        ArgoServer(argo, ports[1]) as argocd,
        RegistryServer(images, ports[2]) as registry,
    ):
        yield Astrago(
            keys=keys,
            deployment=deployment,
            applications=applications,
            world=world,
            argo=argo,
            images=images,
            github=github,
            argocd=argocd,
            registry=registry,
        )
