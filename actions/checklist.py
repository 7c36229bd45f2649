"""Checks that run side by side before anything moves, printed as a list of OK and NG."""

from collections.abc import Callable, Mapping
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from actions import permissions
from actions.clients import Clients
from actions.clock import Clock, together
from actions.errors import PreflightFailed, ReleaseError
from actions.progress import Progress

NOT_FOUND = ("NoSuchEntity", "ImageNotFoundException", "RepositoryNotFoundException")


class NotReady(ReleaseError):
    """One check failed; the text says what was found and what would be right."""


def run(checks: Mapping[str, Callable[[], str]], progress: Progress) -> None:
    """Raises `PreflightFailed` with every NG line."""
    report(outcomes(checks), progress)


def outcomes(checks: Mapping[str, Callable[[], str]], clock: Clock | None = None) -> dict[str, tuple[bool, str]]:
    """Whether each check passed, and its sentence."""
    jobs = [partial(outcome, check) for check in checks.values()]
    found: dict[str, tuple[bool, str]] = {}
    for name, result in zip(checks, (clock.together if clock else together)(jobs), strict=True):
        if isinstance(result, Exception):
            raise result
        found[name] = result
    return found


def report(found: Mapping[str, tuple[bool, str]], progress: Progress) -> None:
    """Raises `PreflightFailed` with every NG line."""
    for name, (passed, text) in found.items():
        progress.detail(f"{'OK' if passed else 'NG'}  {name:<12} {text}")
    problems = [f"{name}: {text}" for name, (passed, text) in found.items() if not passed]
    if problems:
        raise PreflightFailed("; ".join(problems))


def outcome(check: Callable[[], str]) -> tuple[bool, str]:
    """Whether a check passed, and its sentence."""
    try:
        return True, check()
    except ClientError as error:
        return False, permissions.refusal(error)
    except (ReleaseError, BotoCoreError) as problem:
        return False, str(problem)


def image_digest(aws: Clients, repository: str, tag: str) -> str:
    """What the registry has under this tag. Raises `NotReady` when it has nothing."""
    try:
        answer = aws("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            wanted = f"{repository}:{tag}"
            raise NotReady(f"the registry has no {wanted}; push it, or set imageTag to one it has") from error
        raise
    return str(answer["imageDetails"][0]["imageDigest"])


def granted(aws: Clients, needs: Callable[[str], list[permissions.Need]]) -> str:
    """Who releases; `needs` tells by account what it must be allowed. Raises `NotReady` with every missing action."""
    caller = aws("sts").get_caller_identity()
    principal = permissions.principal_of(caller["Arn"])
    if principal is None:
        return "the account's root user"
    try:
        refused = permissions.missing(aws, principal, needs(caller["Account"]))
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return f"not checked: IAM cannot simulate {principal}"
        raise
    if refused:
        raise NotReady(f"{principal} lacks {', '.join(refused)}")
    return principal


def firing_alarms(aws: Clients, names: tuple[str, ...]) -> list[str]:
    """Which of these alarms are in ALARM; 100 are asked for at a time, as many as the API takes."""
    firing: list[str] = []
    for start in range(0, len(names), 100):
        answer = aws("cloudwatch").describe_alarms(
            AlarmNames=list(names[start : start + 100]), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
        )
        alarms = answer["MetricAlarms"] + answer.get("CompositeAlarms", [])
        firing += [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
    return firing


def no_alarm(aws: Clients, names: tuple[str, ...], *, returning: bool) -> str:
    """`returning`: back to a verified release, which firing alarms must not stop."""
    if not names:
        return "none"
    firing = firing_alarms(aws, names)
    if firing and not returning:
        raise NotReady(f"{', '.join(firing)} is firing; a release would hide the cause")
    return f"{', '.join(firing)} is firing, which a return does not wait for" if firing else "none is firing"
