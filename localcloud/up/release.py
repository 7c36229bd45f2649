"""From a running local cloud to a URL that answers: stack, image repository, sample image, `pulumi up`."""

import json
import re
import shutil
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.up import environment
from localcloud.up.cloud import SERVERS
from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import ENV_FILE, LOCAL, PYTHON, ROOT, STATE
from localcloud.up.systems import System, system_of

TAG_KEY = "infra-release:imageTag:"
IDENTITY = STATE / "cloud"  # which local cloud the state belongs to
NEXT_TAG = "v2"  # of the sample service, for the first release a user makes
ANSWER_SECONDS = 15.0
# What a release says at its end; else any error, the diagnostics' own first.
REASONS = (r"^ +[\d.]+ s  failed: (.+)$", r"^    error: (.+)$", r"\berror: (.+)$")
NO_REASON = re.compile(r"^(update failed|exit status \d+|Program failed with)")


@dataclass(kw_only=True)
class Deployment:
    """The steps of one stack; each looks first and acts only where something is missing."""

    stack: str
    _facts: dict[str, Any] = field(default_factory=dict)
    _environment: dict[str, str] = field(default_factory=dict)

    def file(self) -> Path:
        """Where the stack's values lie."""
        return ROOT / "stacks" / f"Pulumi.{self.stack}.yaml"

    @property
    def system(self) -> System:
        return system_of(self.stack)

    def check(self) -> None:
        """Refuse a stack that is not there before anything is set up for it."""
        if not self.file().exists():
            known = sorted(
                file.name[len("Pulumi.") : -len(".yaml")] for file in self.file().parent.glob("Pulumi.*local.yaml")
            )
            raise StepFailed(f"there is no stack {self.stack!r}, only {', '.join(known)}")

    def settled(self) -> bool:
        """Whether the file to source is what it should be."""
        found = _servers()
        self._environment = environment.process(found)
        file = ENV_FILE
        return STATE.exists() and file.exists() and file.read_text() == environment.text(found)

    def write_environment(self, job: Job) -> None:
        """Write the file to source."""
        environment.write(_servers())
        job.say(f"wrote {ENV_FILE.relative_to(ROOT)}")

    def select(self, job: Job) -> None:
        """Choose the stack; clear what an interrupted run or a cloud that lost its memory left in the state."""
        self._look(job)
        if STATE.exists() and any(STATE.iterdir()) and _read(IDENTITY) != self._facts["cloud"]:
            job.say("the local cloud is a new one: forgetting the state of the old one")
            shutil.rmtree(STATE)
        STATE.mkdir(parents=True, exist_ok=True)
        IDENTITY.write_text(self._facts["cloud"])
        self._pulumi(job, "stack", "select", "--create", self.stack, failure="the stack cannot be selected")
        self._run(
            *(job, PYTHON, "-m", "ops.unlock", self.stack, "--clear-pending"),
            failure="what an interrupted run left behind cannot be cleared",
        )

    def supply(self, job: Job) -> None:
        """Make what the stack finds outside of itself: secrets, images of others, repositories."""
        self._run_module(job, self.system.supplies, failure="what the stack needs cannot be supplied")

    def go_on(self, job: Job) -> None:
        """Do what a user would do first."""
        self._run_module(job, self.system.after, failure="the stack is up, but what comes after it failed")

    def repository_exists(self) -> bool:
        """Whether there is a place for the image, or no need of one."""
        return self._facts["repository"] is not None or self._facts["tag"] is None or self.system.sample is None

    def make_infrastructure(self, job: Job) -> None:
        """Bring up the infrastructure alone: the release needs an image in the repository that is made here."""
        job.say("pulumi up, the infrastructure without a release")
        without_tag = LOCAL / self.file().name
        lines = self.file().read_text().splitlines(keepends=True)
        without_tag.write_text("".join(line for line in lines if TAG_KEY not in line))
        out = self._up(job, "up", "--skip-preview", "--config-file", str(without_tag))
        without_tag.unlink()
        job.say(_summary(out))
        self._look(job)

    def image_exists(self) -> bool:
        """Whether the wanted tag is in the repository."""
        tag = self._facts["tag"]
        return tag is None or tag in self._facts["tags"] or self.system.sample is None

    def push_image(self, job: Job) -> None:
        """Build the sample service as the wanted tag and push it."""
        tag = str(self._facts["tag"])
        job.say(f"building and pushing the sample service as {tag}")
        self._push(job, tag)

    def next_image_exists(self) -> bool:
        """Whether there is something to release next; nothing is missing where the sample is not released at all."""
        tag = self._facts["tag"]
        return tag is None or NEXT_TAG in (tag, *self._facts["tags"]) or self.system.sample is None

    def push_next_image(self, job: Job) -> None:
        """Build and push the sample service once more, for the user to release."""
        job.say(f"sample image {NEXT_TAG}: the next release")
        self._push(job, NEXT_TAG)

    def _push(self, job: Job, tag: str) -> None:
        repository = str(self._facts["repository"])
        self._run(
            *(job, PYTHON, "-m", self.system.sample, "--tag", tag, "--repository", repository, "--push"),
            failure="the sample image cannot be built and pushed",
        )

    def _run_module(self, job: Job, module: str | None, *, failure: str) -> None:
        if module:
            self._run(job, PYTHON, "-m", module, self.stack, failure=failure)

    def release(self, job: Job) -> None:
        """Bring the whole stack up; says what changed."""
        job.say(f"pulumi up on {self.stack}")
        out = self._up(job, "up", "--skip-preview")
        job.say(_summary(out))

    def destroy(self, job: Job) -> None:
        """Remove what the stack holds."""
        job.say(f"pulumi destroy of {self.stack}")
        job.say(_summary(self._up(job, "destroy", "--skip-preview")))

    def outputs(self, job: Job) -> dict[str, Any]:
        """What the stack tells."""
        told = self._pulumi(job, "stack", "output", "--json", "--stack", self.stack, failure="no outputs")
        return dict(json.loads(told))

    def beside(self, stack: str) -> "Deployment":
        """Another stack of the same local cloud."""
        return Deployment(stack=stack, _environment=self._environment)

    def next_words(self) -> str:
        """What to type next: the first release of one's own, unless that is what the stack's file names already."""
        release = [] if self._facts["tag"] in (None, NEXT_TAG) else [f"pulumi config set imageTag {NEXT_TAG}"]
        return "; ".join([f". {ENV_FILE.relative_to(ROOT)}", *release, "pulumi preview", "pulumi up"])

    def report(self) -> str:
        """The URL and what it answers."""
        url = str(self.outputs(Job("report", lambda text: None)).get("url", ""))
        return f"{url}\n{_answer(url)}" if url else "the stack has no url"

    def _look(self, job: Job) -> None:
        code, out = job.attempt(PYTHON, "-m", "localcloud.up.inside", self.stack, env=self._environment)
        if code != 0:
            raise StepFailed(job.last_line())
        self._facts = json.loads(out)

    def _up(self, job: Job, *words: str) -> str:
        options = ("--yes", "--non-interactive", "--color", "never", "--stack", self.stack)
        code, out = job.attempt("pulumi", *words, *options, env=self._environment)
        if code != 0:
            raise StepFailed(f"`pulumi {words[0]}` of {self.stack} failed: {reason(out)}")
        return out

    def _pulumi(self, job: Job, *words: str, failure: str) -> str:
        return self._run(job, "pulumi", *words, failure=failure)

    def _run(self, job: Job, *argv: Any, failure: str) -> str:
        return job.run(*argv, failure=failure, env=self._environment)


def _servers() -> dict[str, str]:
    """The variables of every server that runs."""
    return {name: value for server in SERVERS for name, value in server.variables().items()}


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def reason(out: str) -> str:
    """The sentence in a failed update's output that says why."""
    for pattern in REASONS:
        for match in re.finditer(pattern, out, re.MULTILINE):
            if not NO_REASON.search(match.group(1)):
                return match.group(1).strip()
    return "the log above says why"


def _summary(out: str) -> str:
    """The counts under `Resources:` on one line."""
    match = re.search(r"^Resources:\n((?: +.+\n)+)", out, re.MULTILINE)
    return ", ".join(line.strip() for line in match.group(1).splitlines()) if match else "nothing to do"


def _answer(url: str) -> str:
    """What the URL answers, asked until it answers or the time is over."""
    deadline = time.monotonic() + ANSWER_SECONDS
    # A host without a balancer and a domain shows a certificate that nobody signed; a release checks all others.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, context=unchecked) as answer:  # noqa: S310 - our own address
                return str(answer.read().decode().strip())
        except OSError as error:
            if time.monotonic() > deadline:
                return f"does not answer: {error}"
            time.sleep(0.5)
