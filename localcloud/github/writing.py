"""The parts of the API that read and write files: contents, git data, commits and pull requests."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from localcloud.github.git import Git
from localcloud.github.model import Answer, Pull, Refusal, Repository, Token, World

SHA = re.compile(r"[0-9a-f]{40}")


def _git(repository: Repository) -> Git:
    if repository.git is None:
        raise Refusal(404, "Not Found")
    return Git(repository.git)


def _branch(request: Any, branch: str) -> tuple[Git, str]:
    git = _git(request.repository)
    head = git.resolve(f"refs/heads/{branch}")
    if head is None:
        raise Refusal(404, f"Branch {branch} not found")
    return git, head


def get_contents(request: Any, path: str) -> Answer:
    git = _git(request.repository)
    ref = request.query("ref", "HEAD")
    commit = git.resolve(ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    found = git.content(commit, unquote(path))
    if found is None:
        raise Refusal(404, "Not Found")
    sha, content = found
    return Answer(
        status=200,
        body={
            "type": "file",
            "encoding": "base64",
            "size": len(content),
            "name": path.rpartition("/")[2],
            "path": unquote(path),
            "content": base64.encodebytes(content).decode(),
            "sha": sha,
        },
    )


def put_contents(request: Any, path: str) -> Answer:
    """The blob's sha is the precondition: without it 422, with another one 409."""
    body, path = request.body, unquote(path)
    branch = body.get("branch", "main")
    git, head = _branch(request, branch)
    if not body.get("message"):
        raise Refusal(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
    try:
        content = base64.b64decode(body.get("content", ""), validate=True)
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    there = git.content(head, path)
    given = body.get("sha")
    if there and not given:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if given and (there is None or there[0] != given):
        raise Refusal(409, f"{path} does not match {given}")
    blob = git.blob(content)
    commit = git.commit(git.tree(head, {path: blob}), [head], body["message"])
    if not git.move(branch, commit, head):
        raise Refusal(409, f"is at {git.resolve(branch)} but expected {head}")
    result = {"content": {"path": path, "sha": blob}, "commit": {"sha": commit, "message": body["message"]}}
    return Answer(status=200 if there else 201, body=result)


def get_commit(request: Any, sha: str) -> Answer:
    git = _git(request.repository)
    tree = git.run("rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}") if SHA.fullmatch(sha) else None
    if tree is None:
        raise Refusal(404, "Not Found")
    return Answer(status=200, body={"sha": sha, "tree": {"sha": tree.decode().strip()}})


def create_tree(request: Any) -> Answer:
    git = _git(request.repository)
    blobs = {entry["path"]: git.blob(entry["content"].encode()) for entry in request.body.get("tree", [])}
    if not blobs:
        raise Refusal(422, "Invalid tree info")
    return Answer(status=201, body={"sha": git.tree(request.body.get("base_tree"), blobs)})


def create_commit(request: Any) -> Answer:
    git, body = _git(request.repository), request.body
    return Answer(status=201, body={"sha": git.commit(body["tree"], body["parents"], body["message"])})


def update_ref(request: Any, branch: str) -> Answer:
    git, head = _branch(request, branch)
    commit = request.body.get("sha", "")
    if git.resolve(commit) is None:
        raise Refusal(422, "Object does not exist")
    ahead = git.run("merge-base", "--is-ancestor", head, commit) is not None
    if not (ahead or request.body.get("force")) or not git.move(branch, commit, head):
        raise Refusal(422, "Update is not a fast forward")
    return Answer(status=200, body={"ref": f"refs/heads/{branch}", "object": {"sha": commit}})


def create_ref(request: Any) -> Answer:
    git, name = _git(request.repository), request.body.get("ref", "").removeprefix("refs/heads/")
    if git.resolve(request.body.get("sha", "")) is None:
        raise Refusal(422, "Object does not exist")
    if not git.move(name, request.body["sha"], None):
        raise Refusal(422, "Reference already exists")
    return Answer(status=201, body={"ref": f"refs/heads/{name}", "object": {"sha": request.body["sha"]}})


def list_commits(request: Any) -> Answer:
    git = _git(request.repository)
    start = request.query("sha", "HEAD")
    commit = git.resolve(start)
    if commit is None:
        raise Refusal(404, f"No commit found for SHA: {start}")
    path = request.query("path", "")
    limit = min(int(request.query("per_page", "30")), 100)
    answer = git.run("rev-list", f"--max-count={limit}", commit, *(["--", path] if path else [])) or b""
    return Answer(status=200, body=[{"sha": sha} for sha in answer.decode().split()])


def list_pulls(request: Any) -> Answer:
    owner = request.repository.name.partition("/")[0]
    head, state = request.query("head", ""), request.query("state", "open")
    found = [
        pull.as_json(request.repository.name)
        for pull in request.repository.opened.values()
        if state in ("all", pull.state) and head in ("", f"{owner}:{pull.head}")
    ]
    return request.page(found)  # type: ignore[no-any-return]


def create_pull(request: Any) -> Answer:
    body, repository = request.body, request.repository
    _branch(request, body["base"])
    git, head = _branch(request, body["head"])
    if any(pull.head == body["head"] and pull.state == "open" for pull in repository.opened.values()):
        raise Refusal(422, f"Validation Failed: A pull request already exists for {body['head']}.")
    if git.resolve(body["base"]) == head:
        raise Refusal(422, f"Validation Failed: No commits between {body['base']} and {body['head']}")
    number = max([*repository.pulls, 0]) + 1
    repository.pulls[number] = []
    pull = Pull(number=number, title=body["title"], body=body.get("body", ""), head=body["head"], base=body["base"])
    repository.opened[number] = pull
    return Answer(status=201, body=pull.as_json(repository.name))


def merge_pull(request: Any, number: str) -> Answer:
    pull = request.repository.opened.get(int(number))
    if pull is None or pull.state != "open":
        raise Refusal(405, "Pull Request is not mergeable")
    git, base = _branch(request, pull.base)
    _, head = _branch(request, pull.head)
    tree = (git.run("merge-tree", "--write-tree", base, head) or b"").decode().strip()
    if not tree:
        raise Refusal(405, "Pull Request is not mergeable")
    commit = git.commit(tree, [base, head], f"Merge pull request #{number}")
    git.move(pull.base, commit, base)
    pull.state = "closed"
    return Answer(status=200, body={"merged": True, "sha": commit})


# The one question that is asked in GraphQL: the commits up to one of each repository.
QUESTION = re.compile(
    r'(\w+): repository\(owner: "([\w.-]+)", name: "([\w.-]+)"\) \{ object\(expression: "([\w./-]+)"\) '
    r"\{ \.\.\. on Commit \{ history\(first: (\d+)\) \{ nodes \{ oid \} \} \} \} \}"
)


def histories(world: World, token: Token, query: str) -> dict[str, Any]:
    """Each alias with its commits, or None and an error; any other question is an error."""
    data: dict[str, Any] = {}
    errors = []
    if not QUESTION.search(query) or QUESTION.sub("", query).split() != ["query", "{", "}"]:
        return {"data": None, "errors": [{"message": "the double answers no such question"}]}
    for alias, owner, name, expression, first in QUESTION.findall(query):
        repository = world.repositories.get(f"{owner}/{name}")
        if repository is None or not token.may(CONTENTS, "read"):
            data[alias] = None
            errors.append({"type": "NOT_FOUND", "message": f"Could not resolve to a Repository: '{name}'."})
            continue
        git = _git(repository)
        commit = git.resolve(expression)
        nodes = [{"oid": sha} for sha in git.history(commit, f"--max-count={first}")] if commit else []
        data[alias] = {"object": {"history": {"nodes": nodes}} if commit else None}
    return {"data": data, **({"errors": errors} if errors else {})}


CONTENTS, PULLS = "contents", "pull-requests"
ROUTES: tuple[tuple[str, re.Pattern[str], str, str, Callable[..., Answer]], ...] = (
    ("GET", re.compile(r"/contents/(.+)"), CONTENTS, "read", get_contents),
    ("PUT", re.compile(r"/contents/(.+)"), CONTENTS, "write", put_contents),
    ("GET", re.compile(r"/git/commits/(\w+)"), CONTENTS, "read", get_commit),
    ("POST", re.compile(r"/git/trees"), CONTENTS, "write", create_tree),
    ("POST", re.compile(r"/git/commits"), CONTENTS, "write", create_commit),
    ("PATCH", re.compile(r"/git/refs/heads/(.+)"), CONTENTS, "write", update_ref),
    ("POST", re.compile(r"/git/refs"), CONTENTS, "write", create_ref),
    ("GET", re.compile(r"/commits"), CONTENTS, "read", list_commits),
    ("GET", re.compile(r"/pulls"), PULLS, "read", list_pulls),
    ("POST", re.compile(r"/pulls"), PULLS, "write", create_pull),
    ("PUT", re.compile(r"/pulls/(\d+)/merge"), CONTENTS, "write", merge_pull),
)
