"""The commands' GitHub client against the double: pages, rights, limits, lost answers, and the one comment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.github.model import Answer, Repository, Token, World
from localcloud.github.server import GitHubServer
from ops.errors import OpsError
from ops.github import GitHub, Refused
from ops.preview_comment import place_comment
from ops.preview_text import marker

US = "github-actions[bot]"
WRITER, READER = "t-writer", "t-reader"


@pytest.fixture
def world() -> World:
    repository = Repository(name="acme/infra", pulls={5: []})
    tokens = {
        WRITER: Token(login=US, permissions={"pull-requests": "write", "contents": "read"}),
        READER: Token(login=US, permissions={"pull-requests": "read"}),
    }
    return World(repositories={"acme/infra": repository}, tokens=tokens)


@pytest.fixture
def server(world: World) -> Iterator[GitHubServer]:
    with GitHubServer(world) as running:
        yield running


def client(server: GitHubServer, token: str = WRITER) -> GitHub:
    return GitHub(api_url=server.url, repository="acme/infra", token=token, backoff=0.0)


def place(server: GitHubServer, text: str) -> str:
    return place_comment(client(server), 5, "web.dev", f"{marker('web.dev')}\n{text}", US)


def bodies(world: World) -> list[str]:
    return [comment.body for comment in world.repositories["acme/infra"].pulls[5]]


def test_first_creates_then_updates(world: World, server: GitHubServer) -> None:
    first = place(server, "one")
    assert place(server, "two") == first
    assert bodies(world) == [f"{marker('web.dev')}\ntwo"]


def test_the_comment_is_found_on_any_page(world: World, server: GitHubServer) -> None:
    repository = world.repositories["acme/infra"]
    for number in range(230):
        repository.add_comment(5, "ann", f"comment {number}")
    place(server, "one")
    for number in range(120):
        repository.add_comment(5, "ann", f"later {number}")
    place(server, "two")
    assert len(bodies(world)) == 351
    assert bodies(world)[230] == f"{marker('web.dev')}\ntwo"


def test_somebody_elses_copy_of_the_mark_is_left_alone(world: World, server: GitHubServer) -> None:
    world.repositories["acme/infra"].add_comment(5, "mallory", f"{marker('web.dev')}\nmine")
    place(server, "one")
    assert bodies(world) == [f"{marker('web.dev')}\nmine", f"{marker('web.dev')}\none"]


def test_each_stack_has_its_own_comment(world: World, server: GitHubServer) -> None:
    place(server, "one")
    place_comment(client(server), 5, "web.prod", f"{marker('web.prod')}\nprod", US)
    assert len(bodies(world)) == 2


def test_a_lost_answer_makes_no_second_comment(world: World, server: GitHubServer) -> None:
    world.lost.add("POST")
    place(server, "one")
    assert bodies(world) == [f"{marker('web.dev')}\none"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_with_a_time_is_waited_for(world: World, server: GitHubServer, status: int) -> None:
    place(server, "zero")
    message = {"message": "You have exceeded a secondary rate limit."}
    world.faults.append(Answer(status=status, body=message, headers={"Retry-After": "1"}))
    place(server, "one")
    assert bodies(world) == [f"{marker('web.dev')}\none"]


def test_a_limited_creation_is_tried_again(world: World, server: GitHubServer) -> None:
    limited = Answer(status=403, body={"message": "secondary rate limit"}, headers={"Retry-After": "1"})
    world.faults.extend([Answer(status=200, body=[]), limited])
    place(server, "one")
    assert bodies(world) == [f"{marker('web.dev')}\none"]


def test_server_errors_of_reads_are_tried_again(world: World, server: GitHubServer) -> None:
    world.faults.extend([Answer(status=502, body={})] * 3)
    place(server, "one")
    assert len(bodies(world)) == 1


def test_a_server_error_of_a_creation_makes_one_comment(world: World, server: GitHubServer) -> None:
    world.faults.extend([Answer(status=200, body=[]), Answer(status=502, body={})])
    place(server, "one")
    assert len(bodies(world)) == 1


def test_an_exhausted_quota_says_when_it_ends(world: World, server: GitHubServer) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    world.faults.append(Answer(status=403, body={"message": "API rate limit exceeded"}, headers=headers))
    with pytest.raises(OpsError, match=r"API rate limit exceeded \(the rate limit ends in \d+ s\)"):
        place(server, "one")


@pytest.mark.parametrize(
    ("token", "pull", "sentence"),
    [
        ("nobody", 5, "401: Bad credentials .the token is missing"),
        (READER, 5, "403: Resource not accessible by integration .the token lacks the right"),
        (WRITER, 6, "404: Not Found"),
    ],
)
def test_refusals_are_one_sentence(server: GitHubServer, token: str, pull: int, sentence: str) -> None:
    with pytest.raises(OpsError, match=sentence):
        place_comment(client(server, token), pull, "web.dev", "x", US)


def test_a_body_over_the_limit_is_refused_by_the_double(server: GitHubServer) -> None:
    with pytest.raises(Refused, match="too long"):
        client(server).create_comment(5, "x" * 65_537)


def test_nobody_there_is_one_sentence(server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = GitHub(api_url="http://127.0.0.1:9", repository="acme/infra", token="t", backoff=0.0)
    with pytest.raises(OpsError, match="GitHub cannot be reached"):
        list(gone.comments(5))


def test_environment_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="GITHUB_TOKEN is not set"):
        GitHub.from_environment({"GITHUB_REPOSITORY": "a/b"})
