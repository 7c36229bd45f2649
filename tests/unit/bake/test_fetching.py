"""Wheels, agents and source: cached by what decides them, checked, and refused with one sentence."""

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.bake import cache, cached
from actions.bake.agents import Agents
from actions.bake.source import Source
from actions.bake.wheels import PIP, Wheelhouse
from actions.errors import Cancelled, ReleaseError
from actions.lifeline import Cancellation
from tests.unit.bake.git_tree import committed, git
from tests.unit.bake.http_files import HttpFiles

EXPORTER = "/prometheus/node_exporter/releases/download/v1.9.1"
PROMTAIL = "/grafana/loki/releases/download/v3.5.7"
NAME = "node_exporter-1.9.1.linux-amd64"


def packed(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(name: str, tag: str = "py3-none-any") -> tuple[str, bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}-1.0-{tag}.whl", file.getvalue()


@pytest.fixture
def files() -> Iterator[HttpFiles]:
    with HttpFiles() as files:
        yield files


@pytest.fixture
def index(files: HttpFiles, monkeypatch: pytest.MonkeyPatch) -> HttpFiles:
    """A package index; pip's own wheel is one of its packages."""
    monkeypatch.setattr("actions.bake.wheels.PIP", "pip==1.0")
    for package, tag in (("pip", "py3-none-any"), ("fine", "py3-none-any"), ("elsewhere", "cp311-cp311-win_amd64")):
        name, content = wheel(package, tag)
        files.files[f"/files/{name}"] = content
        files.files[f"/simple/{package}/"] = f'<a href="/files/{name}">{name}</a>'.encode()
    return files


def house(files: HttpFiles, place: Path, wanted: str) -> Wheelhouse:
    (place / "requirements.txt").write_text(wanted)
    return Wheelhouse.of(
        {
            "REQUIREMENTS": str(place / "requirements.txt"),
            "INDEX_URL": f"{files.url}/simple",
            "CACHE": str(place / "cache"),
        }
    )


def test_wheels_are_downloaded_once(index: HttpFiles, tmp_path: Path) -> None:
    first = house(index, tmp_path, "fine==1.0").made(Cancellation())
    with tarfile.open(first.path) as tar:
        assert tar.getnames() == ["fine-1.0-py3-none-any.whl", "pip-1.0-py3-none-any.whl"]
    asked = len(index.asked)
    again = house(index, tmp_path, "fine==1.0").made(Cancellation())
    assert not first.cached and again.cached and again.sha256 == first.sha256
    assert len(index.asked) == asked
    assert "path" not in again.facts() and again.facts()["file"] == first.path.name


def test_a_damaged_cache_is_made_again(index: HttpFiles, tmp_path: Path) -> None:
    first = house(index, tmp_path, "fine==1.0").made(Cancellation())
    first.path.write_bytes(b"half")
    again = house(index, tmp_path, "fine==1.0").made(Cancellation())
    assert not again.cached and again.sha256 == first.sha256


def test_a_wheel_that_is_missing_for_the_platform(index: HttpFiles, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"^no wheel of elsewhere==1\.0 for Python 3\.11 on manylinux_2_28_x86_64"):
        house(index, tmp_path, "elsewhere==1.0").made(Cancellation())
    assert not list((tmp_path / "cache").glob("wheels*"))


def test_requirements_that_are_not_there(tmp_path: Path) -> None:
    gone = Wheelhouse.of({"REQUIREMENTS": str(tmp_path / "none.txt"), "CACHE": str(tmp_path)})
    with pytest.raises(ReleaseError, match=r"none\.txt cannot be read: No such file"):
        gone.key()


def test_a_download_that_is_cut_off_ends_and_leaves_nothing(index: HttpFiles, tmp_path: Path) -> None:
    told = Cancellation()
    told.ask("it was told to stop")
    with pytest.raises(Cancelled):
        house(index, tmp_path, "fine==1.0").made(told)
    assert [path.name for path in (tmp_path / "cache").iterdir() if not path.name.endswith(".lock")] == []


def test_every_word_that_decides_changes_the_key(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("a")
    base = {"REQUIREMENTS": str(tmp_path / "r"), "CACHE": "c"}
    keys = {
        Wheelhouse.of(base | change).key()
        for change in ({}, {"PYTHON_VERSION": "3.12"}, {"PLATFORMS": "any"}, {"INDEX_URL": "http://x"})
    }
    (tmp_path / "r").write_text("b")
    assert len(keys | {Wheelhouse.of(base).key()}) == 5
    assert PIP.startswith("pip==")


def agents(files: HttpFiles, place: Path, **changes: str) -> Agents:
    asked = {"MIRROR": files.url, "CACHE": str(place), "NODE_EXPORTER": "1.9.1", "NODE_EXPORTER_SHA256": "published"}
    return Agents.of(asked | changes)


@pytest.fixture
def release(files: HttpFiles) -> bytes:
    content = packed(f"{NAME}/node_exporter", b"program")
    files.files[f"{EXPORTER}/{NAME}.tar.gz"] = content
    files.files[f"{EXPORTER}/sha256sums.txt"] = f"{digest(content)}  {NAME}.tar.gz\n".encode()
    return content


def test_agents_are_checked_and_kept(files: HttpFiles, release: bytes, tmp_path: Path) -> None:
    log_agent = zipped("promtail-linux-amd64", b"agent")
    files.files[f"{PROMTAIL}/promtail-linux-amd64.zip"] = log_agent
    wanted = {"LOG_AGENT": "promtail", "LOG_AGENT_VERSION": "3.5.7", "LOG_AGENT_SHA256": digest(log_agent)}
    kept = agents(files, tmp_path, **wanted).made(Cancellation())
    with tarfile.open(kept.path) as tar:
        assert [(one.name, one.mode) for one in tar] == [("node_exporter", 0o755), ("promtail", 0o755)]
    assert agents(files, tmp_path, **wanted).made(Cancellation()).cached


def test_alloy_has_its_own_place(files: HttpFiles, tmp_path: Path) -> None:
    content = zipped("alloy-linux-amd64", b"agent")
    files.files["/grafana/alloy/releases/download/v1.11.0/alloy-linux-amd64.zip"] = content
    wanted = {"LOG_AGENT": "alloy", "LOG_AGENT_VERSION": "1.11.0", "LOG_AGENT_SHA256": digest(content)}
    assert not agents(files, tmp_path, NODE_EXPORTER="", **wanted).made(Cancellation()).cached


def test_a_wrong_checksum_is_refused_with_both(files: HttpFiles, release: bytes, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=f"has the SHA-256 {digest(release)}, and {'0' * 64} is wanted: not used"):
        agents(files, tmp_path, NODE_EXPORTER_SHA256="0" * 64).made(Cancellation())
    assert not list(tmp_path.glob("agents*"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"NODE_EXPORTER_SHA256": "abc"}, "'abc' is no SHA-256"),
        ({"NODE_EXPORTER": "9.9.9"}, "v9.9.9/sha256sums.txt cannot be had: HTTP 404"),
        ({"NODE_EXPORTER_SHA256": ""}, "NODE_EXPORTER_SHA256 is not set"),
        ({"LOG_AGENT": "fluentd"}, "LOG_AGENT must be promtail, alloy or none, got fluentd"),
        ({"LOG_AGENT": "promtail"}, "LOG_AGENT_VERSION is not set"),
    ],
)
def test_what_cannot_be_fetched(
    files: HttpFiles, release: bytes, tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        agents(files, tmp_path, **changes).made(Cancellation())


def test_an_archive_without_the_program(files: HttpFiles, tmp_path: Path) -> None:
    content = packed("something-else", b"program")
    files.files[f"{EXPORTER}/{NAME}.tar.gz"] = content
    with pytest.raises(ReleaseError, match=f"holds no {NAME}/node_exporter"):
        agents(files, tmp_path, NODE_EXPORTER_SHA256=digest(content)).made(Cancellation())


def test_a_mirror_that_fails_for_a_moment_is_asked_again(files: HttpFiles, release: bytes, tmp_path: Path) -> None:
    files.first[f"{EXPORTER}/sha256sums.txt"] = [(503, b""), (502, b"")]
    files.cut[f"{EXPORTER}/{NAME}.tar.gz"] = 2
    assert agents(files, tmp_path).made(Cancellation()).bytes


def test_a_list_that_does_not_name_the_file(files: HttpFiles, release: bytes, tmp_path: Path) -> None:
    files.files[f"{EXPORTER}/sha256sums.txt"] = b"00  other.tar.gz\n"
    with pytest.raises(ReleaseError, match=f"does not name {NAME}"):
        agents(files, tmp_path).made(Cancellation())


def source(tree: Path, place: Path, excludes: str = "") -> Source:
    return Source.of({"SOURCE": str(tree), "CACHE": str(place), "EXCLUDES": excludes})


def names(made: cache.Kept) -> list[str]:
    with tarfile.open(made.path) as tar:
        return tar.getnames()


def test_only_what_git_tracks_is_packed(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    committed(tree, {"app/main.py": "1", "docs/a.md": "2", "tests/deep/b.md": "3"})
    (tree / ".env").write_text("SECRET=1")
    assert names(source(tree, tmp_path / "cache").made()) == ["app/main.py", "docs/a.md", "tests/deep/b.md"]
    assert names(source(tree, tmp_path / "cache", "docs,*.md").made()) == ["app/main.py"]
    assert names(source(tree, tmp_path / "cache", "tests/deep").made()) == ["app/main.py", "docs/a.md"]


def test_a_change_is_packed_as_it_lies_there_and_told(tmp_path: Path) -> None:
    tree = committed(tmp_path / "tree", {"a": "1", "b": "2"})
    before = source(tree, tmp_path / "cache")
    kept, commit = before.made(), git(tree, "rev-parse", "HEAD")
    assert not before.dirty() and before.commit() == commit
    (tree / "a").write_text("changed")
    (tree / "b").unlink()
    after = source(tree, tmp_path / "cache")
    assert after.dirty() and after.made().sha256 != kept.sha256 and names(after.made()) == ["a"]


@pytest.mark.parametrize("there", [True, False])
def test_a_source_that_is_no_git_tree(tmp_path: Path, there: bool) -> None:
    tree = tmp_path if there else tmp_path / "none"
    with pytest.raises(ReleaseError, match="git ls-files in"):
        source(tree, tmp_path / "cache").made()


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    sums = set()
    for name in ("one", "two"):
        tree = committed(tmp_path / name, {"a": "1", "run.sh": "2"})
        (tree / "run.sh").chmod(0o755)
        sums.add(source(tree, tmp_path / f"cache-{name}").made().sha256)
    assert len(sums) == 1


def test_a_preview_sees_what_the_cache_holds(files: HttpFiles, release: bytes, tmp_path: Path) -> None:
    tree = committed(tmp_path / "tree", {"requirements.txt": "fine==1.0"})
    asked = {
        **{"SOURCE": str(tree), "REQUIREMENTS": str(tree / "requirements.txt"), "CACHE": str(tmp_path / "cache")},
        **{"MIRROR": files.url, "NODE_EXPORTER": "1.9.1", "NODE_EXPORTER_SHA256": "published"},
    }
    assert cached.held(asked) == {"wheels": False, "agents": False, "source": False}
    Agents.of(asked).made(Cancellation())
    assert cached.held(asked) == {"wheels": False, "agents": True, "source": False}
    assert cached.held({"CACHE": str(tmp_path)}) == {}
    assert not (tmp_path / "cache" / "wheels").exists()


def test_what_nobody_uses_goes(tmp_path: Path) -> None:
    for name in ("wheels-old.tar", "wheels-new.tar"):
        (tmp_path / name).write_text("x")
    os.utime(tmp_path / "wheels-old.tar", (0, 0))
    cache.keep(tmp_path, "source", "k", lambda target, _: target.touch())
    assert not (tmp_path / "wheels-old.tar").exists() and (tmp_path / "wheels-new.tar").exists()
