"""Build TeamMoa's sample application and push it; `python -m localcloud.teammoa.build --help` tells how."""

import hashlib
import io
import json
import struct
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.application import Application, run
from localcloud.sample.build import SOURCE as SAMPLE
from localcloud.teammoa.app.config.modes import MODES

APP = Path(__file__).resolve().parent / "app"
FILES = ("Dockerfile", "manage.py", "serve.py", "entrypoint.sh", "config", "board", "broken", "static", "tests")
ARM64 = "arm64"
AARCH64 = 183  # the machine's number in an ELF header


@dataclass(frozen=True, kw_only=True)
class TeamMoa(Application):
    """The application, and an image that is none here: it is for another processor only."""

    def build(self, *, repository: str, tag: str, version: str | None = None, mode: str = "good") -> str:
        """Build `repository:tag`; mode `arm64` is an image whose one platform is linux/arm64."""
        if mode != ARM64:
            return super().build(repository=repository, tag=tag, version=version, mode=mode)
        image = f"{repository}:{tag}"
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            archive.write(foreign_image(image))
            archive.flush()
            run("docker", "load", "--quiet", "--input", archive.name)
        return image


def foreign_image(name: str) -> bytes:
    """An image as `docker load` takes it, for linux/arm64, whose program no other processor starts."""
    layer = _archive({"app/serve": _aarch64_program()})
    config = {
        "architecture": ARM64,
        "os": "linux",
        "config": {"Cmd": ["/app/serve"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    texts = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    return _archive({"layer.tar": layer, **texts})


def _aarch64_program() -> bytes:
    """The head of an executable: enough for a kernel to see that it is not its own."""
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, AARCH64, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0x80, 0x80, 0x1000)
    return header + segment + bytes(8)


def _archive(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


TEAMMOA = TeamMoa(
    name="teammoa",
    files={**{name: APP / name for name in (*FILES, "requirements.txt")}, "healthcheck.py": SAMPLE / "healthcheck.py"},
    requirements=APP / "requirements.txt",
    packages="wheels",
    fetch=("download", "--no-deps", "--only-binary", ":all:", "pip==26.3", "--dest"),
    modes=(*MODES, ARM64),
    build_arguments=("PIP_OPTIONS=--no-index",),
)

if __name__ == "__main__":
    sys.exit(TEAMMOA.command(None, "localcloud.teammoa.build"))
