"""What is found before anything moves: one list of OK and NG, and every host as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cloud.teammoa.conftest import ACCESS
from tests.cloud.teammoa.fleet import Fleet, docker


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ("no-such-tag", "the registry has no teammoa-web:no-such-tag"),
        pytest.param("arm64", "arm64", marks=pytest.mark.thorough),
    ],
)
def test_an_image_that_cannot_run_is_refused(released: Fleet, tag: str, sentence: str) -> None:
    refused(released, tag, sentence)


def test_a_host_that_cannot_be_reached_is_named(released: Fleet, other: str) -> None:
    last = released.container(released.hosts[-1])
    docker("pause", last)
    try:
        refused(released, other, "web-2", whole=False)
    finally:
        docker("unpause", last)
    released.wait_until_healthy()


def test_a_host_whose_docker_is_down_is_named(released: Fleet, other: str) -> None:
    last = released.hosts[-1]
    released.on(last, "mv /usr/bin/docker /usr/bin/docker.away")
    try:
        refused(released, other, "Docker does not answer on web-2", whole=False)
    finally:
        released.on(last, "mv /usr/bin/docker.away /usr/bin/docker")


@pytest.mark.skipif(ACCESS == "ssm", reason="over SSM there is no host key")
def test_a_changed_host_key_is_refused(released: Fleet, other: str) -> None:
    last = released.hosts[-1]
    with new_host_key(released, last):
        refused(released, other, "shows the SSH key")


@contextmanager
def new_host_key(fleet: Fleet, host: dict[str, str]) -> Iterator[None]:
    """Another machine in the host's place, as far as its key tells."""
    keys = "/etc/ssh/ssh_host_ed25519_key"
    fleet.on(
        host, f"cp {keys} {keys}.kept && rm {keys} && ssh-keygen -q -t ed25519 -N '' -f {keys} && systemctl restart ssh"
    )
    try:
        yield
    finally:
        fleet.on(host, f"mv {keys}.kept {keys} && systemctl restart ssh")


def refused(fleet: Fleet, tag: str, sentence: str, *, whole: bool = True) -> None:
    """The release fails with the sentence, and nothing has moved."""
    before = fleet.project.output("release")
    done = fleet.project.release(tag, check=False)
    assert done.returncode != 0
    line = next((line for line in done.stdout.splitlines() if "NG" in line and sentence in line), "")
    assert line, f"no NG with {sentence!r} in:\n{done.stdout[:6000]}"
    assert fleet.project.output("release") == before
    assert not fleet.rules_for_ssh()
    if whole:
        assert fleet.whole()
