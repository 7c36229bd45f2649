"""CodeBuild's actions: projects that keep every field, webhooks, builds that run."""

import contextvars
import copy
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
    request_scope,
)
from ministack.services import codebuild

from localcloud.aws.codebuild.run import Run, shown
from localcloud.aws.git_hosting import GitError, Hosting, Push, name_of, push_of, signed

Record = dict[str, Any]
# What CreateProject and UpdateProject take, with what holds when it is left out.
FIELDS: Record = {
    "description": "",
    "source": {"type": "NO_SOURCE"},
    "secondarySources": [],
    "sourceVersion": "",
    "artifacts": {"type": "NO_ARTIFACTS"},
    "cache": {"type": "NO_CACHE"},
    "environment": {},
    "serviceRole": "",
    "timeoutInMinutes": 60,
    "queuedTimeoutInMinutes": 480,
    "logsConfig": {},
    "tags": [],
    "concurrentBuildLimit": None,
    "autoRetryLimit": None,
}
PIPELINE = "codepipeline"


class Refused(Exception):
    """An error of the API: code and message."""


class CodeBuild:
    """The actions by name, over MiniStack's stores of projects and builds."""

    def __init__(self, hosting: Hosting, cloud_id: str, port: int) -> None:
        self.hosting, self._cloud_id, self._port = hosting, cloud_id, port
        self._runs: dict[str, Run] = {}
        self._secrets: dict[str, tuple[str, str, str, str]] = {}  # repository → secret, account, region, project
        self._actions: dict[str, Callable[[Record], Record]] = {
            "CreateProject": self.create_project,
            "UpdateProject": self.update_project,
            "DeleteProject": self.delete_project,
            "BatchGetProjects": self.batch_get_projects,
            "CreateWebhook": self.create_webhook,
            "UpdateWebhook": self.update_webhook,
            "DeleteWebhook": self.delete_webhook,
            "StartBuild": self.start_build,
            "StopBuild": self.stop_build,
            "BatchGetBuilds": self.batch_get_builds,
        }

    async def handle_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        action = self._actions.get(name)
        if action is None:
            return await codebuild.handle_request(method, path, headers, body, query)
        try:
            return json_response(action(json.loads(body or b"{}")))
        except Refused as refused:
            return error_response_json(*refused.args, 400)

    # -- projects ---

    def create_project(self, data: Record) -> Record:
        name = data.get("name", "")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}", name):
            raise Refused("InvalidInputException", f"Invalid project name: {name}")
        if name in codebuild._projects:
            raise Refused("ResourceAlreadyExistsException", f"Project already exists: {codebuild._project_arn(name)}")
        now = int(time.time())
        project = {"name": name, "arn": codebuild._project_arn(name), "created": now, "badge": {"badgeEnabled": False}}
        project |= {key: data.get(key, copy.deepcopy(default)) for key, default in FIELDS.items()}
        key = data.get("encryptionKey") or f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"
        project |= {"encryptionKey": key, "lastModified": now}
        codebuild._projects[name] = project
        return {"project": _project(project)}

    def update_project(self, data: Record) -> Record:
        project = self._project(data.get("name", ""))
        project |= {key: data[key] for key in (*FIELDS, "encryptionKey") if key in data}
        project["lastModified"] = int(time.time())
        return {"project": _project(project)}

    def delete_project(self, data: Record) -> Record:
        name = data.get("name", "")
        if name in codebuild._projects:
            if codebuild._projects[name].get("webhook"):
                self.delete_webhook({"projectName": name})
            del codebuild._projects[name]
        return {}

    def batch_get_projects(self, data: Record) -> Record:
        found = {name: codebuild._project_name_from_identifier(name) for name in data.get("names", [])}
        known = {name: codebuild._projects.get(key) for name, key in found.items() if key}
        return {
            "projects": [_project(project) for project in known.values() if project],
            "projectsNotFound": [name for name in found if not known.get(name)],
        }

    def _project(self, name: str) -> Record:
        project: Record | None = codebuild._projects.get(name)
        if project is None:
            raise Refused("ResourceNotFoundException", f"Project cannot be found: {codebuild._project_arn(name)}")
        return project

    # -- webhooks ---

    def create_webhook(self, data: Record) -> Record:
        project = self._project(data.get("projectName", ""))
        if project.get("webhook"):
            raise Refused("ResourceAlreadyExistsException", f"Specified webhook already exists: {project['name']}")
        location, secret = project["source"].get("location", ""), secrets.token_hex(20)
        try:
            self.hosting.hook(location, secret)
        except GitError as error:
            raise Refused("InvalidInputException", str(error)) from error
        self._secrets[name_of(location)] = (secret, get_account_id(), get_region(), project["name"])
        project["webhook"] = {
            "url": location,
            "payloadUrl": f"http://localhost:{self._port}/_localcloud/push",
            "filterGroups": data.get("filterGroups") or [],
            "buildType": data.get("buildType", "BUILD"),
            "lastModifiedSecret": int(time.time()),
        }
        return {"webhook": {**project["webhook"], "secret": secret}}

    def update_webhook(self, data: Record) -> Record:
        project = self._project(data.get("projectName", ""))
        if not project.get("webhook"):
            raise Refused("ResourceNotFoundException", f"Webhook not found for project {project['name']}")
        project["webhook"] |= {key: data[key] for key in ("filterGroups", "buildType") if key in data}
        return {"webhook": project["webhook"]}

    def delete_webhook(self, data: Record) -> Record:
        project = self._project(data.get("projectName", ""))
        if project.pop("webhook", None) is None:
            raise Refused("ResourceNotFoundException", f"Webhook not found for project {project['name']}")
        location = project["source"].get("location", "")
        self._secrets.pop(name_of(location), None)
        self.hosting.unhook(location)
        return {}

    def pushed(self, body: bytes, signature: str) -> tuple[int, str]:
        """What the repository's hook is told: status and one sentence."""
        push = push_of(body)
        secret, account, region, name = self._secrets.get(push.repository, ("", "", "", ""))
        if not secret or not signed(secret, body, signature):
            return 403, "no webhook with this secret"
        with request_scope(account, region):
            groups = self._project(name)["webhook"]["filterGroups"]
            if not _wanted(groups, push):
                return 200, f"{push.ref} starts no build of {name}"
            build = self._start(name, push.after, {}, "GitHub-Hookshot/local", head_ref=push.ref)
            return 200, f"build {build['id']} started"

    # -- builds ---

    def start_build(self, data: Record) -> Record:
        name = data.get("projectName", "")
        initiator = data.get("initiator") or "local"
        return {"build": shown(self._start(name, data.get("sourceVersion"), data, initiator))}

    def start_for_pipeline(self, name: str, source: bytes, pipeline: str, variables: list[Record]) -> Record:
        """A build of a pipeline's action, with the pipeline's artifact as its source."""
        data = {"environmentVariablesOverride": variables}
        return self._start(name, None, data, f"{PIPELINE}/{pipeline}", source=source)

    def status(self, build_id: str) -> Record:
        return dict(codebuild._builds[build_id])

    def _start(
        self,
        name: str,
        version: str | None,
        data: Record,
        initiator: str,
        *,
        head_ref: str = "",
        source: bytes | None = None,
    ) -> Record:
        project = copy.deepcopy(self._project(name))
        build = self._record(project, version, data, initiator)
        if head_ref:
            build["headRef"] = head_ref
        codebuild._builds[build["id"]] = build
        run = Run(project, build, self.hosting, self._cloud_id, self._port, source)
        self._runs[build["id"]] = run
        threading.Thread(
            target=contextvars.copy_context().run, args=(run.execute,), name=build["id"], daemon=True
        ).start()
        return build

    def _record(self, project: Record, version: str | None, data: Record, initiator: str) -> Record:
        name, now = project["name"], int(time.time())
        identity = f"{name}:{new_uuid()}"
        known = [one["buildNumber"] for one in codebuild._builds.values() if one["projectName"] == name]
        source, environment = dict(project["source"]), dict(project["environment"])
        if data.get("buildspecOverride"):
            source["buildspec"] = data["buildspecOverride"]
        overrides = {item["name"]: item for item in data.get("environmentVariablesOverride") or []}
        variables = {item["name"]: item for item in environment.get("environmentVariables") or []} | overrides
        environment["environmentVariables"] = list(variables.values())
        logs = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {}
        stream = identity.rpartition(":")[2]
        prefix = logs.get("streamName")
        return {
            "id": identity,
            "arn": codebuild._build_arn(identity),
            "buildNumber": max(known, default=0) + 1,
            "startTime": now,
            "currentPhase": "SUBMITTED",
            "buildStatus": "IN_PROGRESS",
            "buildComplete": False,
            "sourceVersion": version or project.get("sourceVersion") or "",
            "projectName": name,
            "phases": [{"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": now, "endTime": now}],
            "source": source,
            "artifacts": project["artifacts"],
            "cache": project["cache"],
            "environment": environment,
            "serviceRole": project["serviceRole"],
            "logs": {
                "groupName": logs.get("groupName") or f"/aws/codebuild/{name}",
                "streamName": f"{prefix}/{stream}" if prefix else stream,
            },
            "timeoutInMinutes": project["timeoutInMinutes"],
            "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
            "initiator": initiator,
            "encryptionKey": project["encryptionKey"],
        }

    def stop_build(self, data: Record) -> Record:
        identity = str(data.get("id", "")).rpartition("build/")[2]
        build = codebuild._builds.get(identity)
        if build is None:
            raise Refused("ResourceNotFoundException", f"Build not found: {identity}")
        if run := self._runs.get(identity):
            run.stop("STOPPED")
        return {"build": shown(build)}

    def batch_get_builds(self, data: Record) -> Record:
        ids = [str(one).rpartition("build/")[2] for one in data.get("ids", [])]
        found = {one: codebuild._builds.get(one) for one in ids}
        return {
            "builds": [shown(build) for build in found.values() if build],
            "buildsNotFound": [one for one, build in found.items() if not build],
        }


def _project(project: Record) -> Record:
    return {key: value for key, value in project.items() if value is not None}


def _wanted(groups: list[list[Record]], push: Push) -> bool:
    """Any group all of whose filters hold; a push that deletes a branch starts nothing."""
    if set(push.after) == {"0"}:
        return False
    found = {"EVENT": "PUSH", "HEAD_REF": push.ref}
    return not groups or any(all(_holds(one, found) for one in group) for group in groups)


def _holds(condition: Record, found: dict[str, str]) -> bool:
    kind, pattern = condition["type"], condition["pattern"]
    if kind == "EVENT":
        holds = found["EVENT"] in [event.strip() for event in pattern.split(",")]
    else:
        holds = re.search(pattern, found.get(kind, "")) is not None
    return holds is not bool(condition.get("excludeMatchedPattern"))
