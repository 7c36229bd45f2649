"""What a case of a row consists of."""

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.plugins.values import Object

States = dict[str, Object]  # by case name; with `id`


def _nothing(_: States) -> Object:
    return {}


@dataclass(frozen=True, kw_only=True)
class Case:
    token: str
    name: str
    inputs: Callable[[States], Object]
    change: Callable[[States], Object] = _nothing  # merged over the inputs; empty: every property replaces
    replace: Object | None = None  # a change that must replace
    import_id: Callable[[Object], str] = lambda state: str(state["id"])
    tagged: bool = True
    retagged: bool = True  # False where the emulator has no call for it
