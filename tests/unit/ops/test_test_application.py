"""The application's tests run with the application's own packages, and a failing one is an end."""

from pathlib import Path

import pytest

from ops import test_application as gate
from ops.errors import OpsError

TESTS = """\
import sys
assert sys.argv[1:] == ["test"] and sys.prefix != sys.base_prefix
print("tests of the application")
sys.exit({code})
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: infra\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    for system in ("teammoa", "liveinsight"):
        (tmp_path / "stacks" / f"Pulumi.{system}.dev.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def application(checkout: Path, directory: str, code: int) -> None:
    context = checkout / directory
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / "requirements.txt").write_text("# nothing\n")
    (context / "manage.py").write_text(TESTS.format(code=code))


def test_tests_that_pass_let_the_build_begin(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    application(checkout, "teammoa", code=0)
    assert gate.main(["teammoa.dev"]) == 0
    assert "tests of the application" in capfd.readouterr().err


def test_a_test_that_fails_is_the_end(checkout: Path) -> None:
    application(checkout, "teammoa", code=3)
    with pytest.raises(OpsError, match=r"`python manage.py test` failed with code 3"):
        gate.main(["teammoa.dev"])


def test_packages_that_cannot_be_had_are_the_end(checkout: Path) -> None:
    application(checkout, "teammoa", code=0)
    (checkout / "teammoa" / "requirements.txt").write_text("./no-such-package\n")
    with pytest.raises(OpsError, match=r"pip .* failed with code 1"):
        gate.main(["teammoa.dev"])


def test_nothing_is_tested_where_there_is_nothing(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert gate.main(["teammoa.dev"]) == 0
    assert "teammoa has no application in this checkout" in capfd.readouterr().err
    application(checkout, "src", code=1)
    assert gate.main(["liveinsight.dev"]) == 0
    assert "liveinsight names no tests" in capfd.readouterr().err
