"""What the services share: a request, an answer, and the refusals in each service's own words."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from localcloud.openstack.cloud import Cloud

Thing = dict[str, Any]  # a resource as its service shows it; keys that begin with _ are not shown

NOVA_WORDS = {
    400: "badRequest",
    403: "forbidden",
    404: "itemNotFound",
    409: "conflictingRequest",
    413: "overLimit",
    500: "computeFault",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back; no body is an empty one."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One authenticated request, its path relative to the service."""

    cloud: "Cloud"
    method: str
    url: str
    body: Any
    address: str  # scheme and host as the caller knows them

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    def asked(self, name: str, default: str = "") -> str:
        """One value of the query."""
        return self.query.get(name, [default])[0]

    def part(self, name: str) -> Thing:
        """The object of this name in the body; 400 when there is none."""
        found = self.body.get(name) if isinstance(self.body, dict) else None
        if not isinstance(found, dict):
            raise nova(400, f"Invalid input: '{name}' is a required property.")
        return found


Handler = Callable[..., Answer]


class Refusal(Exception):
    """The answer to what cannot be done."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(json.dumps(answer.body))
        self.answer = answer


def nova(status: int, message: str) -> Refusal:
    """As Nova and Cinder say it."""
    word = NOVA_WORDS.get(status, "computeFault")
    return Refusal(Answer(status=status, body={word: {"code": status, "message": message}}))


def neutron(status: int, kind: str, message: str) -> Refusal:
    """As Neutron says it."""
    return Refusal(Answer(status=status, body={"NeutronError": {"type": kind, "message": message, "detail": ""}}))


def glance(status: int, message: str) -> Refusal:
    """As Glance says it."""
    reason = f"{status} {HTTPStatus(status).phrase}"
    return Refusal(Answer(status=status, body={"message": message, "code": reason, "title": HTTPStatus(status).phrase}))


def keystone(status: int, message: str) -> Refusal:
    """As Keystone says it."""
    body = {"error": {"code": status, "title": HTTPStatus(status).phrase, "message": message}}
    return Refusal(Answer(status=status, body=body))


def shown(thing: Thing) -> Thing:
    """The thing as a caller sees it."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}


def chosen(request: Request, things: list[Thing], ignore: tuple[str, ...] = ()) -> list[Thing]:
    """The things that the query's fields select, as Neutron and Glance do."""
    wanted = {name: values for name, values in request.query.items() if name not in (*PAGING, *ignore)}
    return [thing for thing in things if all(_has(thing, name, values) for name, values in wanted.items())]


PAGING = ("limit", "marker", "sort", "sort_key", "sort_dir", "fields", "page_reverse")


def _has(thing: Thing, name: str, values: list[str]) -> bool:
    if name == "tags":
        return all(tag in thing.get("tags", []) for value in values for tag in value.split(","))
    if name == "fixed_ips":
        wanted = [value.partition("=")[2] for value in values]
        return any(place["ip_address"] in wanted for place in thing.get("fixed_ips", []))
    found = thing.get(name)
    said = str(found).lower() if isinstance(found, bool) else "" if found is None else str(found)
    return said in [value.lower() if isinstance(found, bool) else value for value in values]


def page(request: Request, things: list[Thing], default: int = 1000) -> tuple[list[Thing], str | None]:
    """One page of the list by limit and marker, and the marker of the next one."""
    limit = min(int(request.asked("limit") or default), default)
    marker = request.asked("marker")
    start = next((place + 1 for place, thing in enumerate(things) if thing["id"] == marker), 0) if marker else 0
    found = things[start : start + limit]
    more = start + limit < len(things)
    return found, found[-1]["id"] if more and found else None
