"""Typed reading of a stack's configuration: every error names the key, the file, what was found and what is right."""

import dataclasses
import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

TRUTHS = {"true": True, "false": False}


class ConfigError(Exception):
    """A configuration that cannot be meant; the message is one sentence for the person who wrote it."""


def keys_of(settings: type) -> tuple[str, ...]:
    """The configuration keys of a dataclass: its field names in camel case, without those the program sets."""
    fields = (field for field in dataclasses.fields(settings) if not field.metadata.get("program"))
    return tuple(re.sub(r"_(\w)", lambda match: match[1].upper(), field.name) for field in fields)


def suggestion(word: str, known: Collection[str], kind: str = "keys") -> str:
    """`; did you mean <the nearest known word>?`, or a list of the known words."""
    by_lower_case = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower_case), n=1, cutoff=0.6)
    if near:
        return f"; did you mean {by_lower_case[near[0]]}?"
    return f"; the {kind} are {', '.join(sorted(known))}"


def shown(value: object) -> str:
    """A found value as the reader of an error would recognise it, shortened."""
    if value is None:
        return "empty"
    plain = isinstance(value, str) and re.fullmatch(r"\S+|[\[{].*", value)  # Pulumi hands everything over as text
    text = str(value) if plain else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True)
class Section:
    """One mapping of a stack's configuration; reads typed values and refuses keys that nobody reads."""

    values: Mapping[str, object]
    file: str  # named in every error
    path: str  # what stands before a key in every error, such as `infra-release:healthCheck.`
    known: tuple[str, ...]

    def __post_init__(self) -> None:
        for key in self.values:
            if key not in self.known:
                self.refuse(key, f"is not a key that anything reads{suggestion(key, self.known)}")

    def refuse(self, key: str, problem: str) -> NoReturn:
        """End the program with one sentence about a key."""
        raise ConfigError(f"{self.path}{key} in {self.file} {problem}")

    def expect(self, key: str, right: str) -> NoReturn:
        """End the program because the value of a key is not what was expected."""
        found = f"is {shown(self.values[key])}" if key in self.values else "is missing"
        self.refuse(key, f"{found}, but must be {right}")

    def has(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str, default: str | None, pattern: str, right: str) -> str:
        """A text that matches the pattern as a whole; `default=None` makes the key necessary."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            self.expect(key, right)
        return value

    def optional_text(self, key: str, pattern: str, right: str) -> str | None:
        return self.text(key, None, pattern, right) if self.has(key) else None

    def integer(self, key: str, default: int, low: int, high: int, why: str = "") -> int:
        """A whole number within [low, high]; Pulumi hands over the digits of a top-level number as text."""
        value = self.values.get(key, default)
        right = f"a whole number from {low} to {high}{f' ({why})' if why else ''}"
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.expect(key, right)
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            self.expect(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if isinstance(value, str):
            value = TRUTHS.get(value)
        if not isinstance(value, bool):
            self.expect(key, "true or false")
        return value

    def texts(self, key: str, pattern: str, right: str) -> tuple[str, ...]:
        """A list of texts, each matching the pattern; empty when the key is absent."""
        values = self._decoded(key, right) if self.has(key) else []
        if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch(pattern, v) for v in values):
            self.expect(key, right)
        return tuple(values)

    def mapping(self, key: str, accepts: Callable[[str, str], str | None], right: str) -> dict[str, str]:
        """A map of texts, sorted by key; `accepts` says what is wrong with an entry, or None."""
        values = self._decoded(key, right) if self.has(key) else {}
        if not isinstance(values, dict):
            self.expect(key, right)
        for name, value in values.items():
            inner = Section({name: value}, self.file, f"{self.path}{key}.", (name,))
            if not isinstance(value, str):
                inner.expect(name, "a text; put it in quotes")
            if problem := accepts(name, value):
                inner.refuse(name, problem)
        return dict(sorted(values.items()))

    def section(self, key: str, settings: type) -> "Section":
        """A nested mapping that is read into the given dataclass; empty when the key is absent."""
        right = f"a map with keys among {', '.join(keys_of(settings))}"
        values = self._decoded(key, right) if self.has(key) else {}
        if not isinstance(values, dict):
            self.expect(key, right)
        return Section(values, self.file, f"{self.path}{key}.", keys_of(settings))

    def _decoded(self, key: str, right: str) -> object:
        """A nested value; Pulumi hands over a top-level list or map as JSON text."""
        value = self.values[key]
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            self.expect(key, right)


def stack_section(
    config: Mapping[str, str], secret_keys: Collection[str], project: str, stack: str, settings: type
) -> Section:
    """The configuration of a stack as one section; refuses keys of other namespaces and encrypted values."""
    file = f"stacks/Pulumi.{stack}.yaml"
    values: dict[str, object] = {}
    for full_key, value in config.items():
        namespace, _, key = full_key.partition(":")
        if namespace == project:
            values[key] = value
        elif namespace != "pulumi":
            hint = suggestion(key, keys_of(settings)) if namespace == "aws" else ""
            raise ConfigError(
                f"{full_key} in {file} is read by nothing: this project's keys begin with {project}:{hint}"
            )
    section = Section(values, file, f"{project}:", keys_of(settings))
    for full_key in secret_keys:
        if full_key.startswith(f"{project}:"):
            section.refuse(
                full_key.partition(":")[2],
                "is encrypted, but no secret passes through Pulumi: put it into SSM and its name under secrets",
            )
    return section
