"""What a mirror of GitHub's releases would give, built here: node_exporter from its Go module, and a log agent.

The log agent is a stand-in: promtail's releases cannot be had everywhere, so a small program of our own takes its
place under its file name. It reads its configuration, answers `/ready`, and follows the journal; it ships nothing.
"""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from localcloud.up import toolchain
from localcloud.up.job import Job
from localcloud.up.paths import LOCAL, TOOLCHAIN

EXPORTER_VERSION, AGENT_VERSION = "1.9.1", "3.5.7"
ARCHITECTURE = "amd64"
EXPORTER = f"/prometheus/node_exporter/releases/download/v{EXPORTER_VERSION}"
AGENT = f"/grafana/loki/releases/download/v{AGENT_VERSION}"
BUILT = LOCAL / "mirror-programs"
STAMP = f"-s -w -X github.com/prometheus/common/version.Version={EXPORTER_VERSION}"
STAND_IN = Path(__file__).parent / "log_agent"


def fill(mirror: Path, job: Job) -> None:
    """Both releases with their lists of checksums; what is there already is left alone."""
    exporter = mirror / EXPORTER.lstrip("/") / f"node_exporter-{EXPORTER_VERSION}.linux-{ARCHITECTURE}.tar.gz"
    if not exporter.exists():
        program = BUILT / "node_exporter"
        job.say("building node_exporter from its Go module")
        _build(job, TOOLCHAIN / "node-exporter", "github.com/prometheus/node_exporter", STAMP, program)
        inside = f"{exporter.name.removesuffix('.tar.gz')}/node_exporter"
        _publish(exporter, _tarred(inside, program), "sha256sums.txt")
    agent = mirror / AGENT.lstrip("/") / f"promtail-linux-{ARCHITECTURE}.zip"
    if not agent.exists():
        program = BUILT / "log_agent"
        job.say("building the log agent's stand-in")
        _build(job, STAND_IN, ".", "-s -w", program)
        _publish(agent, _zipped(agent.name.removesuffix(".zip"), program), "SHA256SUMS")


def _build(job: Job, module: Path, package: str, flags: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    job.run(
        *(toolchain.go(), "build", "-buildvcs=false", "-trimpath", "-ldflags", flags, "-o", str(target), package),
        cwd=module,
        env={"GOWORK": "off", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"},
        failure=f"{target.name} cannot be built",
    )


def _publish(file: Path, content: bytes, sums: str) -> None:
    """The list first: a file that is there is named in it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / sums).write_text(f"{hashlib.sha256(content).hexdigest()}  {file.name}\n")
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_bytes(content)
    fresh.replace(file)


def _tarred(name: str, program: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(program, name)
    return packed.getvalue()


def _zipped(name: str, program: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(program, name)
    return packed.getvalue()
