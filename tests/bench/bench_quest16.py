"""Speed of Quest 16's preview as a ratio within one run: `make bench`."""

from pathlib import Path

from tests.bench.ratios import report_preview
from tests.cloud.project import Project


def test_preview_of_an_unchanged_stack(quest16: Project, tmp_path: Path) -> None:
    report_preview(quest16, tmp_path)
