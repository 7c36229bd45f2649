"""How tests are shared out: the cloud tests of a folder use one stack, so they go to one worker, the longest first."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).parent
LONGEST_FIRST = ("teammoa", "liveinsight", "photo_api", "quest16", "astrago", "local_aws", "hosts")


def folder_of(path: Path) -> str:
    """The folder below `tests/cloud`, or nothing."""
    parts = path.relative_to(HERE).parts
    return parts[1] if parts[0] == "cloud" and len(parts) > 2 else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(folder_of(item.path), len(places)))


class ByStack(LoadScopeScheduling):  # type: ignore[misc] # xdist says no types
    """A folder of cloud tests is one piece of work, and so is any other file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return folder_of(HERE.parent / file) or file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack:
    config.option.loadscopereorder = False  # by length as above, not by number
    return ByStack(config, log)
