"""Docker images of a plain Debian, bootstrapped from its packages: no image registry is needed."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from localcloud.up import docker
from localcloud.up.job import Job, as_root
from localcloud.up.paths import LOCAL

SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
WASTE = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "var/cache/apt", "var/lib/apt/lists")


@dataclass(frozen=True, kw_only=True)
class DebianImage:
    """A small Debian with these packages, under this name in the engine."""

    name: str
    packages: tuple[str, ...]

    @property
    def recipe(self) -> str:
        """Changes with everything that decides the content."""
        return hashlib.sha256(f"{SUITE} {','.join(self.packages)} {WASTE}".encode()).hexdigest()[:12]

    def present(self) -> bool:
        """Whether the engine holds the image, made by this very recipe."""
        return recipe_of(self.name) == self.recipe

    def build(self, job: Job) -> None:
        """Bootstrap it and import it as an image."""
        root = LOCAL / self.name.partition("/")[2].partition(":")[0]
        job.run(*as_root("rm", "-rf", str(root)), failure=f"cannot remove {root}")
        root.mkdir(parents=True)
        files, archive = root / "files", root / "files.tar"
        keyring = (f"--keyring={KEYRING}",) if KEYRING.exists() else ()
        job.say(f"bootstrapping Debian {SUITE}")
        job.run(
            *as_root("debootstrap", "--variant=minbase", f"--include={','.join(self.packages)}", *keyring),
            *(SUITE, str(files)),
            failure=f"{self.name} cannot be bootstrapped",
        )
        for waste in WASTE:
            job.run(*as_root("find", str(files / waste), "-mindepth", "1", "-delete"), failure=f"cannot empty {waste}")
        job.run(
            *as_root("tar", "--numeric-owner", "-C", str(files), "-cf", str(archive), "."),
            failure=f"cannot pack {self.name}",
        )
        self._import(job, archive)
        if os.geteuid() == 0:
            shutil.rmtree(root)
        else:
            job.run(*as_root("rm", "-rf", str(root)), failure=f"cannot remove {root}")

    def _import(self, job: Job, archive: Path) -> None:
        job.say("importing it into Docker")
        changes = (
            f"LABEL infra-release.recipe={self.recipe}",
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        options = [word for change in changes for word in ("--change", change)]
        job.run(
            *("docker", "import", *options, str(archive), self.name),
            env=docker.environment(),
            failure=f"Docker does not accept {self.name}",
        )


def recipe_of(image: str) -> str | None:
    """The recipe an image of the engine was made by; None when there is no such image."""
    return docker.output("image", "inspect", "--format", "{{index .Config.Labels `infra-release.recipe`}}", image)
