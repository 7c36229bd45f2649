"""The same release over SSM Run Command: no rule for SSH at any time."""

import threading

from tests.cloud.load import Load
from tests.cloud.teammoa.conftest import ACCESS
from tests.cloud.teammoa.fleet import Fleet


def test_a_release_over_ssm_opens_no_port(released: Fleet, other: str) -> None:
    project = released.project
    rules: list[object] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(1):
            rules.extend(released.rules_for_ssh())

    watcher = threading.Thread(target=look)
    project.set("access.method", "ssm")
    watcher.start()
    try:
        with Load(f"{released.url}/", rate=15, authorities=released.authorities) as count:
            project.release(other)
    finally:
        stop.set()
        watcher.join()
        project.set("access.method", ACCESS)
    assert count.failed == 0, count.answers
    assert not rules
    assert project.output("release")["image_tag"] == other
    assert released.whole()
