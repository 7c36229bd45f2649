"""A half written state is replaced by its copy, a whole one and one without a copy are left alone."""

from pathlib import Path

import pytest

from ops import torn_state

WHOLE, BEFORE = '{"version": 3, "checkpoint": {"latest": 2}}', '{"version": 3, "checkpoint": {"latest": 1}}'


def mended(root: Path, state: str | None, copy: str | None) -> str | None:
    place = root / ".pulumi" / "stacks" / "infra-release"
    place.mkdir(parents=True)
    file = place / "photo-api.bake.json"
    for path, text in ((file, state), (file.with_name(f"{file.name}.bak"), copy)):
        if text is not None:
            path.write_text(text)
    torn_state.mend(f"file://{root}", "infra-release", "photo-api.bake")
    return file.read_text() if file.exists() else None


@pytest.mark.parametrize("torn", ["", WHOLE[:20]])
def test_a_half_written_state_gives_way_to_its_copy(
    tmp_path: Path, torn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mended(tmp_path, torn, BEFORE) == BEFORE
    assert "half written" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("state", "copy"), [(WHOLE, BEFORE), ("", None), ("", WHOLE[:20]), (None, BEFORE)], ids=lambda text: str(text)[:9]
)
def test_everything_else_stays(tmp_path: Path, state: str | None, copy: str | None) -> None:
    assert mended(tmp_path, state, copy) == state


def test_a_bucket_is_left_alone() -> None:
    torn_state.mend("s3://state?region=us-east-1", "infra-release", "photo-api.bake")
