"""The parts of the set-up decide from facts: which packages, which toolchain, which variables."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from localcloud.up import cli, docker, environment, inside, packages, release, toolchain
from localcloud.up.job import Job, StepFailed
from localcloud.up.steps import select


def program(directory: Path, name: str, says: str) -> None:
    directory.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)


def test_only_packages_whose_program_is_missing_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_found", lambda name: name not in ("haproxy", "dockerd", "iptables"))
    monkeypatch.setattr(docker, "answers", lambda: True)
    assert packages.missing() == ("haproxy",)
    monkeypatch.setattr(docker, "answers", lambda: False)
    assert packages.missing() == ("docker.io", "haproxy", "iptables")


@pytest.mark.parametrize(
    ("version", "host", "used"),
    [("v3.250.0", True, True), ("v3.199.9", True, False), ("", True, False), ("v3.250.0", False, False)],
)
def test_a_pulumi_on_path_is_used_when_new_enough_and_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, host: bool, used: bool
) -> None:
    program(tmp_path / "bin", "pulumi", version)
    if host:
        program(tmp_path / "bin", "pulumi-language-python", "")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert toolchain.pulumi_on_path() is used


def test_our_own_toolchain_does_not_count_as_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pulumi", "pulumi-language-python"):
        program(tmp_path / "bin", name, "v3.250.0")
    monkeypatch.setattr(toolchain, "BIN", tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert not toolchain.pulumi_on_path()
    assert toolchain.cli_ready()


def test_without_go_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(StepFailed, match="Go is not installed"):
        toolchain.go()


def test_a_compiler_beside_path_is_put_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program, path=None: "/opt/go/bin/go" if path else None)
    assert environment.text({}).endswith('"$PATH":/opt/go/bin ;; esac\n')


def test_the_file_to_source_is_private_and_quotes_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "LOCAL", tmp_path)
    monkeypatch.setattr(environment, "STATE", tmp_path / "state")
    monkeypatch.setattr(environment, "ENV_FILE", tmp_path / "env.sh")
    environment.write({"AWS_SECRET_ACCESS_KEY": "a'b $c"})
    file = tmp_path / "env.sh"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    script = f'. "{file}"; . "{file}"; printf "%s\\n" "$AWS_SECRET_ACCESS_KEY" "$PULUMI_BACKEND_URL" "$PATH"'
    shell = subprocess.run(
        ["/bin/sh", "-euc", script], capture_output=True, text=True, env={"PATH": "/bin"}, check=True
    )
    secret, backend, path = shell.stdout.splitlines()
    assert (secret, backend) == ("a'b $c", f"file://{tmp_path}/state")
    assert path.startswith(f"{environment.path()}:/bin")
    assert path.count(environment.path()) == 1  # though sourced twice


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            'time="x" level=info msg="Starting up"\n'
            "failed to start daemon: Error initializing network controller: iptables not found\n",
            "failed to start daemon: Error initializing network controller: iptables not found",
        ),
        ('time="x" level=fatal msg="no \\"overlay\\" here."', 'no \\"overlay\\" here'),
        ("", "it says nothing"),
    ],
)
def test_the_reason_of_a_docker_that_cannot_start_is_found_in_its_log(log: str, reason: str) -> None:
    assert docker._reason(log) == reason


def test_docker_that_cannot_start_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "DOCKER", tmp_path)
    monkeypatch.setattr(docker, "SOCKET", tmp_path / "s")
    monkeypatch.setattr(docker, "COMMON_SOCKET", tmp_path / "none")
    monkeypatch.setattr("localcloud.up.job.LOGS", tmp_path)
    monkeypatch.setattr(docker, "_launch", lambda *_, **__: "mount denied")
    with pytest.raises(StepFailed, match=r"^Docker cannot start: mount denied, see .*dockerd.log$"):
        docker.start(Job("docker", lambda text: None))


def test_container_hosts_get_the_older_iptables_and_then_plain_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["iptables: Failed to initialize nft", "driver not supported: overlay2", ""])
    calls: list[tuple[object, ...]] = []

    def launch(job: Job, *options: str, path: Path | None = None) -> str:
        calls.append((*options, path))
        return next(answers)

    monkeypatch.setattr(docker, "DOCKER", tmp_path)
    monkeypatch.setattr(docker, "SOCKET", tmp_path / "s")
    monkeypatch.setattr(docker, "COMMON_SOCKET", tmp_path / "none")
    monkeypatch.setattr("localcloud.up.job.LOGS", tmp_path)
    monkeypatch.setattr(docker, "_launch", launch)
    monkeypatch.setattr(docker, "_legacy_iptables", lambda job: tmp_path / "legacy")
    docker.start(Job("docker", lambda text: None))
    assert calls == [(None,), (tmp_path / "legacy",), ("--storage-driver=vfs", tmp_path / "legacy")]


def test_the_summary_of_an_update_is_one_line() -> None:
    out = "Outputs:\n    url: x\n\nResources:\n    + 3 created\n    ~ 1 updated\n    40 unchanged\n\nDuration: 1s\n"
    assert release._summary(out) == "+ 3 created, ~ 1 updated, 40 unchanged"


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("    error: update failed\n    error: exit status 1: x\n      23.1 s  failed: task 8d: no\n", "task 8d: no"),
        (
            " + x creating error: early\nDiagnostics:\n    error: update failed\n    error: no permission\n",
            "no permission",
        ),
        ("error: the stack is currently locked by 1 lock(s)\n", "the stack is currently locked by 1 lock(s)"),
        ("", "the log above says why"),
    ],
)
def test_the_reason_of_a_failed_update_is_found_in_its_output(out: str, says: str) -> None:
    assert release.reason(out) == says


def test_a_stack_without_a_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"no stack 'moon.local': stacks/Pulumi.moon.local.yaml"):
        inside.stack_settings("moon.local")


def test_every_goal_is_made_of_known_steps() -> None:
    for goal in cli.GOALS.values():
        for with_cloud in (True, False):
            assert select(cli.steps(release.Deployment(stack="x.local"), with_cloud=with_cloud), goal)


def test_two_set_ups_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "LOCAL", tmp_path)
    with cli.alone(), pytest.raises(StepFailed, match=f"another set-up is at work here .process {os.getpid()}."):
        with cli.alone():
            pass


def test_a_shell_that_names_the_bundle_of_a_cloud_that_is_gone_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "ca.pem"
    there.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(there))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "gone.pem"))
    environment.forget_lost_bundles()
    assert os.environ["SSL_CERT_FILE"] == str(there)
    assert "REQUESTS_CA_BUNDLE" not in os.environ
