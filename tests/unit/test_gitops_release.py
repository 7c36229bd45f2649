"""The release by commit: what it promises, and every way it can fail, against real git repositories."""

import threading
from collections.abc import Callable

import pytest

from actions.errors import Cancelled, ReleaseError
from actions.github import Refused
from actions.gitops import bump
from localcloud.astrago import world
from localcloud.astrago.world import Astrago
from localcloud.github.model import Answer, Token
from tests.unit.gitops_services import FILE, commits, made, release, run, services, tag_of

__all__ = ["made", "services"]


def by_hand(services: Astrago, old: bytes, new: bytes, message: str = "by hand") -> None:
    services.deployment.add(world.BRANCH, {FILE: services.values().replace(old, new)}, message)


def test_a_release_is_one_commit_of_three_calls_and_served(services: Astrago) -> None:
    tags = {name: services.push(name, 0) for name in world.SOURCES}
    proof = run(services, tags)
    assert (proof["calls"], proof["attempts"], proof["changed"]) == (3, 1, True)
    assert commits(services)[0] == proof["commit"] and len(commits(services)) == 2
    assert {name: tag_of(services, name) for name in tags} == tags == proof["tags"]
    assert proof["applications"] == {"astrago-xiilab": proof["commit"]}


def test_equal_tags_make_no_commit(services: Astrago) -> None:
    tags = {"core": services.push("core", 0)}
    first = run(services, tags)
    again = run(services, tags)
    assert (again["changed"], again["commit"]) == (False, first["commit"]) and len(commits(services)) == 2


def test_several_files_are_one_commit_even_when_somebody_else_commits_meanwhile(
    services: Astrago, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {"core": services.push("core", 0), "frontend": services.push("frontend", 0)}
    files = [world.VALUES.format(customer=name) for name in world.CUSTOMERS]
    job = release(services, tags, FILES=" | ".join(files), APPLICATIONS="astrago-xiilab | astrago-posco")
    interfere(job, lambda: by_hand(services, b"externalIP: 10", b"externalIP: 11"), monkeypatch)
    proof = job.run()
    assert proof["attempts"] == 2 and len(commits(services)) == 3
    assert [tag_of(services, "core", customer) for customer in world.CUSTOMERS] == [tags["core"]] * 2
    assert b"externalIP: 11" in services.values()


def interfere(job: object, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch, times: int = 1) -> None:
    """Do something between the reading of the files and the commit."""
    left = [work] * times
    monkeypatch.setattr(job, "_check", lambda *_: left.pop()() if left else None)


def test_a_conflict_is_read_again_and_nothing_is_lost(services: Astrago, monkeypatch: pytest.MonkeyPatch) -> None:
    job = release(services, {"core": services.push("core", 0)})
    theirs = services.push("batch", 1)
    interfere(job, lambda: by_hand(services, b"batch-stage-ba01", theirs.encode()), monkeypatch)
    proof = job.run()
    assert proof["attempts"] == 2
    assert tag_of(services, "batch") == theirs and tag_of(services, "core") == proof["tags"]["core"]


def test_a_force_push_in_between_is_read_again(services: Astrago, monkeypatch: pytest.MonkeyPatch) -> None:
    job = release(services, {"core": services.push("core", 0)})
    git = services.deployment

    def force_push() -> None:
        files = {FILE: services.values().replace(b"nfs:", b"nfs: # other history")}
        other = git.commit(git.tree(git.resolve(world.BRANCH), {FILE: git.blob(files[FILE])}), [], "Other history")
        assert git.move(world.BRANCH, other, git.resolve(world.BRANCH))

    interfere(job, force_push, monkeypatch)
    assert job.run()["attempts"] == 2
    assert b"# other history" in services.values() and len(commits(services)) == 2


def test_endless_conflicts_end(services: Astrago, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bump, "ATTEMPTS", 3)
    services.world.faults_of["PUT"] = [Answer(status=409, body={"message": "does not match"})] * 5
    with pytest.raises(ReleaseError, match="could not be committed in 3 attempts: somebody else's commit came first"):
        run(services, {"core": services.push("core", 0)})


def test_a_connection_cut_after_the_commit_is_seen_as_done(services: Astrago) -> None:
    services.world.lost.add("PUT")
    proof = run(services, {"core": services.push("core", 0)})
    assert (proof["attempts"], proof["changed"]) == (2, True)
    assert len(commits(services)) == 2 and commits(services)[0] == proof["commit"]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_server_errors_are_tried_again(services: Astrago, method: str) -> None:
    services.world.faults_of[method] = [Answer(status=502, body={})]
    assert run(services, {"core": services.push("core", 0)})["changed"]
    assert len(commits(services)) == 2


@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_is_waited_for(services: Astrago, status: int) -> None:
    limited = Answer(status=status, body={"message": "secondary rate limit"}, headers={"Retry-After": "1"})
    services.world.faults_of["PUT"] = [limited]
    assert run(services, {"core": services.push("core", 0)})["attempts"] == 1


def test_an_exhausted_quota_says_when_it_ends(services: Astrago) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    services.world.faults.append(Answer(status=403, body={"message": "API rate limit exceeded"}, headers=headers))
    with pytest.raises(Refused, match=r"API rate limit exceeded \(the rate limit ends in \d+ s\)"):
        run(services, {"core": services.push("core", 0)})


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("expired", "401: Bad credentials .the token is missing, wrong or expired"),
        ("reader", "403: Resource not accessible by integration .the token lacks the right: a release needs"),
    ],
)
def test_a_token_without_the_right_is_named(services: Astrago, token: str, sentence: str) -> None:
    services.world.tokens["reader"] = Token(login="reader", permissions={"contents": "read"})
    with pytest.raises(Refused, match=sentence):
        run(services, {"core": services.push("core", 0)}, GITHUB_TOKEN=token)
    assert len(commits(services)) == 1


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "ARGOCD_TOKEN"])
def test_a_missing_token_is_named(services: Astrago, name: str) -> None:
    with pytest.raises(ReleaseError, match=f"{name} is not set"):
        release(services, {"core": "core-stage-ba01"}, **{name: ""})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"REPOSITORY": "xiilab/other"}, "xiilab/other has no file .* or the token may not see the repository"),
        ({"BRANCH": "gone"}, "has no file .* on gone"),
        ({"FILES": "a.yaml"}, "has no file a.yaml on main"),
        ({"FILES": "helmfile/helmfile.yaml"}, "helmfile/helmfile.yaml holds 2 YAML documents"),
        ({"KEY": "other.{component}.tag"}, "has no other.core.tag of its own"),
    ],
)
def test_what_is_not_there_is_named(services: Astrago, changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        run(services, {"core": services.push("core", 0)}, **changed)
    assert len(commits(services)) == 1


def test_a_file_that_is_no_yaml_is_named(services: Astrago) -> None:
    by_hand(services, b"astrago:", b"astrago: [")
    with pytest.raises(ReleaseError, match=r"values.yaml is not YAML: .*line \d+"):
        run(services, {"core": services.push("core", 0)})


def test_a_tag_that_was_not_pushed_changes_nothing(services: Astrago) -> None:
    with pytest.raises(ReleaseError, match=r"the registry has no .*astrago-backend:core-stage-0; push it"):
        run(services, {"core": "core-stage-0"})
    assert not services.world.requests


def test_a_registry_that_does_not_answer_or_refuses_changes_nothing(services: Astrago) -> None:
    tags = {"core": services.push("core", 0)}
    with pytest.raises(ReleaseError, match=r"refuses to tell about .*401.*REGISTRY_USERNAME"):
        run(services, tags, REGISTRY_PASSWORD="wrong")
    services.images.down = True
    with pytest.raises(ReleaseError, match=r"the registry .* cannot be asked .* so nothing was changed"):
        run(services, tags)
    assert not services.world.requests


def test_an_older_build_never_overwrites_a_newer_one_unless_told(services: Astrago) -> None:
    older, newer = services.push("core", 0), services.push("core", 2)
    run(services, {"core": newer})
    with pytest.raises(ReleaseError, match=f"core is at {newer}, which is newer than {older}"):
        run(services, {"core": older})
    assert tag_of(services, "core") == newer
    run(services, {"core": older}, ALLOW_OLDER="true")
    assert tag_of(services, "core") == older


def test_a_newer_build_that_lands_meanwhile_wins(services: Astrago, monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = services.push("core", 0), services.push("core", 1)
    job = release(services, {"core": older})
    interfere(job, lambda: by_hand(services, b"core-stage-ba01", newer.encode()), monkeypatch)
    with pytest.raises(ReleaseError, match="which is newer than"):
        job.run()
    assert tag_of(services, "core") == newer


def test_a_build_of_no_known_commit_is_refused_and_a_lost_one_replaced(services: Astrago) -> None:
    services.images.add(world.BACKEND, "core-stage-deadbeef")
    with pytest.raises(ReleaseError, match="of commit deadbeef, which xiilab/astrago-backend does not have"):
        run(services, {"core": "core-stage-deadbeef"})
    by_hand(services, b"core-stage-ba01", b"core-stage-deadbeef")  # its commit was force-pushed away
    assert run(services, {"core": services.push("core", 0)})["changed"]


def test_values_that_do_not_fit_their_schema_are_not_committed(services: Astrago) -> None:
    by_hand(services, b'repository: "xiilab/astrago-frontend"', b'repository: ""')
    with pytest.raises(ReleaseError, match=r"would not fit its schema at astrago.frontend.repository"):
        run(services, {"core": services.push("core", 0)})
    assert len(commits(services)) == 2


def test_argo_degraded_is_undone_with_the_resource_that_failed(services: Astrago) -> None:
    text, tag = services.values(), services.push("core", 0)
    services.argo.bad.add(tag)
    with pytest.raises(ReleaseError, match=f"Deployment astrago-core: .*CrashLoopBackOff of {tag}"):
        run(services, {"core": tag, "batch": services.push("batch", 0)})
    assert services.values() == text and len(commits(services)) == 3


def test_the_undoing_leaves_what_others_released_meanwhile(
    services: Astrago, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, theirs = services.push("core", 0), services.push("batch", 1)
    services.argo.bad.add(bad)
    job = release(services, {"core": bad, "batch": services.push("batch", 0)})
    undo = job._undo

    def after_somebody(bumped: bump.Bumped, failure: Exception) -> None:
        by_hand(services, services.tag("batch", 0).encode(), theirs.encode())
        undo(bumped, failure)

    monkeypatch.setattr(job, "_undo", after_somebody)
    with pytest.raises(ReleaseError):
        job.run()
    assert (tag_of(services, "core"), tag_of(services, "batch")) == ("core-stage-ba01", theirs)
    assert "undone: " in capsys.readouterr().err


def test_argo_that_never_syncs_is_undone_at_the_deadline(services: Astrago) -> None:
    text = services.values()
    services.argo.applications["astrago-xiilab"].stuck = True
    with pytest.raises(ReleaseError, match="did not become Synced and Healthy in time: OutOfSync at "):
        run(services, {"core": services.push("core", 0)}, TIMEOUT_SECONDS="1")
    assert services.values() == text


def test_argo_out_of_reach_is_undone_and_said(services: Astrago, capsys: pytest.CaptureFixture[str]) -> None:
    text = services.values()
    services.argo.down = True
    with pytest.raises(ReleaseError, match="Argo CD cannot be reached"):
        run(services, {"core": services.push("core", 0)}, TIMEOUT_SECONDS="1")
    assert services.values() == text
    assert "NOT undone: Argo CD cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ARGOCD_TOKEN": "wrong"}, "refuses astrago-xiilab with 401: the token is missing, wrong or expired"),
        ({"APPLICATIONS": "gone"}, "refuses gone with 403: there is no such application"),
    ],
)
def test_argo_refuses_by_name(services: Astrago, changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        run(services, {"core": services.push("core", 0)}, **changed)


def test_cancelled_while_waiting_is_undone(services: Astrago) -> None:
    text = services.values()
    services.argo.applications["astrago-xiilab"].sync_seconds = 1.0
    job = release(services, {"core": services.push("core", 0)}, TIMEOUT_SECONDS="30")
    threading.Timer(0.6, job._cancellation.ask, ["it was told to stop"]).start()
    with pytest.raises(Cancelled):
        job.run()
    assert services.values() == text


def test_a_run_that_was_cut_off_is_finished_or_undone_by_the_next(services: Astrago) -> None:
    good, bad = services.push("core", 0), services.push("core", 1)
    run(services, {"core": good})
    by_hand(services, good.encode(), bad.encode(), "Release, and then the run was killed")
    services.argo.bad.add(bad)
    with pytest.raises(ReleaseError, match="CrashLoopBackOff"):
        run(services, {"core": bad}, PREVIOUS=f'{{"core": "{good}"}}')
    assert tag_of(services, "core") == good


def test_a_proposal_is_made_once_and_is_nothing_when_merged(services: Astrago) -> None:
    tags = {"core": services.push("core", 0)}
    first = run(services, tags, WAY="pull-request")
    again = run(services, tags, WAY="pull-request")
    assert first["pull_request"] == again["pull_request"] != ""
    repository = services.world.repositories[world.DEPLOYMENT]
    assert len(repository.opened) == 1 and tag_of(services, "core") == "core-stage-ba01"
    head = repository.opened[1].head
    assert len(commits(services, head)) == 2
    services.deployment.move(world.BRANCH, commits(services, head)[0], commits(services)[0])
    assert run(services, tags, WAY="pull-request")["pull_request"] == ""


def merged(services: Astrago, tags: dict[str, str]) -> None:
    """Proposed, and merged with a commit of its own; the branch stays, as GitHub leaves it."""
    number = run(services, tags, WAY="pull-request", ALLOW_OLDER="true")["pull_request"].rpartition("/")[2]
    pull = services.world.repositories[world.DEPLOYMENT].opened[int(number)]
    assert services.deployment.history(pull.head)[1:] == commits(services), "one commit on top of the branch"
    files = {FILE: (services.deployment.content(pull.head, FILE) or ("", b""))[1]}
    services.deployment.add(world.BRANCH, files, f"Merge pull request #{number}")
    pull.state = "closed"


def test_what_was_merged_once_can_be_proposed_again(services: Astrago) -> None:
    for build in (0, 1, 0):
        merged(services, {"core": services.push("core", build)})
    assert tag_of(services, "core") == services.tag("core", 0) and len(commits(services)) == 4


def test_a_proposal_closed_without_a_merge_is_made_anew_from_what_the_branch_says_now(services: Astrago) -> None:
    tags = {"core": services.push("core", 0)}
    run(services, tags, WAY="pull-request")
    services.world.repositories[world.DEPLOYMENT].opened[1].state = "closed"
    by_hand(services, b"externalIP: 10", b"externalIP: 11")
    assert run(services, tags, WAY="pull-request")["pull_request"].endswith("/pull/2")
    merged(services, tags)
    assert b"externalIP: 11" in services.values() and tag_of(services, "core") == tags["core"]
