"""The key that logs in: made once, its public half always the private one's, forgotten with the hosts'."""

from typing import Any

import pytest

from actions.deploying_key import ensure, public_half
from actions.errors import ReleaseError
from actions.forget_keys import forget

KEY, HOSTS = "/TeamMoa/test/ssh-key", "/TeamMoa/test/hosts/"


class NotThere(Exception):
    pass


class Exceptions:
    ParameterNotFound = NotThere


class Store:
    """As much of SSM as the actions ask, with its refusal to overwrite and its ten names a call."""

    exceptions = Exceptions

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str]] = {}

    def __call__(self, service: str) -> "Store":
        assert service == "ssm"
        return self

    def get_parameter(self, Name: str, WithDecryption: bool = False) -> dict[str, Any]:
        if Name not in self.kept:
            raise NotThere(Name)
        kind, value = self.kept[Name]
        return {"Parameter": {"Value": value if kind == "String" or WithDecryption else "encrypted"}}

    def put_parameter(self, Name: str, Value: str, Type: str, Overwrite: bool = False, Description: str = "") -> None:
        assert Overwrite or Name not in self.kept, f"{Name} is there"
        self.kept[Name] = (Type, Value)

    def get_paginator(self, name: str) -> "Store":
        assert name == "get_parameters_by_path"
        return self

    def paginate(self, Path: str, Recursive: bool) -> list[dict[str, Any]]:
        assert Recursive and not Path.endswith("/")
        names = [name for name in self.kept if name.startswith(f"{Path}/")]
        return [{"Parameters": [{"Name": name}]} for name in names]

    def delete_parameters(self, Names: list[str]) -> dict[str, Any]:
        assert 1 <= len(Names) <= 10
        return {"DeletedParameters": [name for name in Names if self.kept.pop(name, None)]}


def test_a_key_is_made_once_and_its_private_half_is_encrypted() -> None:
    store: Any = Store()
    public = ensure(store, KEY)
    assert public.startswith("ssh-ed25519 ") and store.kept[f"{KEY}.pub"] == ("String", public)
    kind, private = store.kept[KEY]
    assert kind == "SecureString" and public_half(private, KEY) == public
    before = dict(store.kept)
    assert ensure(store, KEY) == public and store.kept == before


def test_a_public_half_of_another_key_is_set_right() -> None:
    store: Any = Store()
    public = ensure(store, KEY)
    store.kept[f"{KEY}.pub"] = ("String", "ssh-ed25519 AAAA")
    assert ensure(store, KEY) == public == store.kept[f"{KEY}.pub"][1]


def test_a_parameter_that_is_no_key_is_left_and_named() -> None:
    store: Any = Store()
    store.kept[KEY] = ("SecureString", "hunter2")
    with pytest.raises(ReleaseError, match=r"/TeamMoa/test/ssh-key does not hold an SSH private key") as refused:
        ensure(store, KEY)
    assert "hunter2" not in str(refused.value) and store.kept == {KEY: ("SecureString", "hunter2")}


def test_the_keys_of_many_hosts_are_forgotten_and_nothing_else() -> None:
    store: Any = Store()
    ensure(store, KEY)
    for number in range(25):
        store.kept[f"{HOSTS}i-{number}/host-key"] = ("String", "ssh-ed25519 AAAA")
    store.kept["/TeamMoa/test/hostsfile"] = ("String", "somebody else's")
    assert len(forget(store, KEY, HOSTS)) == 27
    assert store.kept == {"/TeamMoa/test/hostsfile": ("String", "somebody else's")}
