"""All packages or none: the transaction over targets that do as they are told."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from actions import deploy_packages
from actions.build_history import red_since
from actions.deploy_packages import Deploy, DeployRequest
from actions.errors import ReleaseError
from actions.lifeline import Cancellation
from actions.pack_release import pack
from actions.packages import release as releases
from actions.packages.release import Package, Release
from actions.progress import Progress

ENVIRONMENT = {
    "CODEBUILD_RESOLVED_SOURCE_VERSION": "c0ffee",
    "PACKAGES": '[{"name": "site", "path": "packages/site", "output": "dist", "target": "site"}]',
}


class FakeTarget:
    def __init__(self, name: str, log: list[str], *, fails: bool = False, stays: bool = False) -> None:
        self.name, self._log, self._fails, self._stays = name, log, fails, stays

    def prepare(self) -> None:
        self._log.append(f"prepare {self.name}")

    def deploy(self) -> dict[str, Any]:
        self._log.append(f"deploy {self.name}")
        if self._fails:
            raise ReleaseError(f"{self.name} does not answer")
        return {"ok": True}

    def back(self) -> str:
        self._log.append(f"back {self.name}")
        if self._stays:
            raise ReleaseError("the bucket refuses")
        return "what was before"

    def settle(self) -> None:
        self._log.append(f"settle {self.name}")


class FakeRecords:
    def __init__(self, verified: dict[str, Any] | None = None) -> None:
        self.found, self.recorded = verified, [] if verified is None else [verified]

    def verified(self) -> dict[str, Any] | None:
        return self.found

    def record_verified(self, proof: dict[str, Any], number: int) -> None:
        self.recorded.append(proof)


class FakeLock:
    number = 1

    def acquire(self, wait_seconds: float) -> None: ...

    def release(self, *, forget: bool) -> None: ...


def deploy(
    folder: Path, targets: list[FakeTarget], records: FakeRecords, *, build: int = 1, measured: bool = False
) -> dict[str, Any]:
    asked = DeployRequest(
        folder=folder,
        targets={},
        table="deploys",
        region="us-east-1",
        work="bucket",
        publish="",
        timeout_seconds=60,
        build="builds:1",
        build_number=build,
        metrics="pipeline",
    )
    run = Deploy(asked, Cancellation(), Progress())
    waiting = iter(targets)
    run._target = lambda package: next(waiting)  # type: ignore[method-assign]
    run._lock, run._records = FakeLock(), records  # type: ignore[assignment]
    if not measured:
        run._measure = lambda: None  # type: ignore[method-assign]
    return run.run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    packages = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
        packages.append(Package(name=name, kind="site", files=releases.files_of(tmp_path / name)))
    releases.write(tmp_path, Release(commit="c0ffee", packages=tuple(packages)))
    return tmp_path


def test_all_are_deployed_in_order_and_recorded_once(folder: Path) -> None:
    log: list[str] = []
    records = FakeRecords()
    proof = deploy(folder, [FakeTarget(name, log) for name in ("one", "two", "three")], records)
    assert log[:6] == ["prepare one", "prepare two", "prepare three", "deploy one", "deploy two", "deploy three"]
    assert log[6:] == ["settle one", "settle two", "settle three"]
    assert records.recorded == [proof]
    assert proof["checksum"] == releases.read(folder).checksum


def test_a_deploy_stands_whose_time_to_fix_nobody_tells(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(codebuild: Any, build: str) -> float:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "BatchGetBuilds")

    monkeypatch.setattr(deploy_packages, "time_to_fix", refuse)
    records = FakeRecords()
    proof = deploy(folder, [FakeTarget(name, []) for name in ("one", "two", "three")], records, measured=True)
    assert records.recorded == [proof]
    assert "deployed, but its time to fix is not measured: AccessDenied: not yours" in capsys.readouterr().err


def test_the_second_fails_after_the_first_and_the_first_is_put_back(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log: list[str] = []
    records = FakeRecords()
    targets = [FakeTarget("one", log), FakeTarget("two", log, fails=True), FakeTarget("three", log)]
    with pytest.raises(ReleaseError, match="two does not answer"):
        deploy(folder, targets, records)
    assert log[3:] == ["deploy one", "deploy two", "back one", "settle three"]
    assert records.recorded == []
    said = capsys.readouterr().err
    assert "deploy of two failed: two does not answer" in said
    assert "putting one back, which was deployed before it" in said
    assert "one is back on what was before" in said


def test_several_are_put_back_the_last_one_first(folder: Path) -> None:
    log: list[str] = []
    targets = [FakeTarget("one", log), FakeTarget("two", log), FakeTarget("three", log, fails=True)]
    with pytest.raises(ReleaseError):
        deploy(folder, targets, FakeRecords())
    assert [line for line in log if line.startswith("back")] == ["back two", "back one"]


def test_the_first_fails_and_nothing_needs_to_go_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    with pytest.raises(ReleaseError):
        deploy(
            folder,
            [FakeTarget("one", log, fails=True), FakeTarget("two", log), FakeTarget("three", log)],
            FakeRecords(),
        )
    assert not [line for line in log if line.startswith("back")]
    assert "nothing to put back" in capsys.readouterr().err


def test_what_cannot_be_put_back_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    targets = [FakeTarget("one", log, stays=True), FakeTarget("two", log, fails=True), FakeTarget("three", log)]
    with pytest.raises(ReleaseError, match="two does not answer"):
        deploy(folder, targets, FakeRecords())
    assert "one is NOT back: the bucket refuses; the next deploy starts from it" in capsys.readouterr().err


def test_a_record_that_fails_puts_everything_back(folder: Path) -> None:
    log: list[str] = []
    records = FakeRecords()

    def refuse(proof: dict[str, Any], number: int) -> None:
        raise ReleaseError("a later release was verified")

    records.record_verified = refuse  # type: ignore[method-assign]
    with pytest.raises(ReleaseError, match="a later release"):
        deploy(folder, [FakeTarget(name, log) for name in ("one", "two", "three")], records)
    assert [line for line in log if line.startswith("back")] == ["back three", "back two", "back one"]


def test_an_older_build_does_not_overtake(folder: Path) -> None:
    log: list[str] = []
    records = FakeRecords({"project": "builds", "build_number": 8})
    with pytest.raises(ReleaseError, match="build 7 is older than build 8, which is deployed"):
        deploy(folder, [FakeTarget(name, log) for name in ("one", "two", "three")], records, build=7)
    assert log == []


def test_a_changed_file_is_no_release(folder: Path) -> None:
    (folder / "two" / "index.html").write_text("other")
    with pytest.raises(ReleaseError, match=r"package two is not what was built: index\.html differs"):
        releases.read(folder)


def test_a_changed_manifest_is_no_release(folder: Path) -> None:
    manifest = folder / releases.MANIFEST
    manifest.write_text(manifest.read_text().replace("c0ffee", "c0ffef"))
    with pytest.raises(ReleaseError, match="does not match its own checksum"):
        releases.read(folder)


def test_equal_output_is_an_equal_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "packages/site/dist"
    output.mkdir(parents=True)
    (output / "index.html").write_text("hello")
    first = pack(tmp_path / "release", ENVIRONMENT, Progress())
    assert pack(tmp_path / "release", ENVIRONMENT, Progress()).checksum == first.checksum
    assert releases.read(tmp_path / "release") == first


def test_a_build_without_output_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReleaseError, match="package site has nothing in packages/site/dist: its build made no output"):
        pack(tmp_path / "release", ENVIRONMENT, Progress())


@pytest.mark.parametrize(
    ("statuses", "since"),
    [
        ("", None),
        ("SUCCEEDED FAILED", None),
        ("FAILED SUCCEEDED", 2.0),
        ("FAILED FAILED SUCCEEDED FAILED", 3.0),
        ("STOPPED FAILED SUCCEEDED", 2.0),
        ("STOPPED SUCCEEDED", None),
        ("TIMED_OUT FAULT", 1.0),
    ],
)
def test_red_since_the_first_failure_after_the_last_success(statuses: str, since: float | None) -> None:
    found = statuses.split()
    builds = [{"buildStatus": status, "endTime": float(len(found) - place)} for place, status in enumerate(found)]
    assert red_since(builds) == since
