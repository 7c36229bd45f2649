"""CodePipeline's actions, and the look at sources that starts executions."""

import contextvars
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, router
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    request_scope,
)
from ministack.services import s3

from localcloud.aws.codebuild.api import CodeBuild, Refused
from localcloud.aws.codepipeline.execution import Execution

Record = dict[str, Any]
SERVICE = "codepipeline"
LOOK_SECONDS = 1.0  # CodePipeline itself looks once a minute


class CodePipeline:
    """The actions by name; every execution is a thread."""

    def __init__(self, builds: CodeBuild, port: int) -> None:
        self._builds, self._port = builds, port
        self._pipelines = AccountRegionScopedDict()
        self._actions: dict[str, Callable[[Record], Record]] = {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "GetPipeline": self.get,
            "DeletePipeline": self.delete,
            "ListPipelines": lambda _: {"pipelines": [{"name": name} for name in self._pipelines]},
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "GetPipelineState": self.state,
            "GetPipelineExecution": self.execution,
            "ListPipelineExecutions": self.executions,
            "PutApprovalResult": self.approve,
            "ListTagsForResource": lambda data: {"tags": self._tagged(data)["tags"]},
            "TagResource": self.tag,
            "UntagResource": self.untag,
        }

    def install(self, handlers: dict[str, Any]) -> None:
        """Make MiniStack route, authorize and answer the service."""
        router.SERVICE_PATTERNS[SERVICE] = {
            "target_prefixes": ["CodePipeline_20150709"],
            "host_patterns": [r"codepipeline\."],
            "credential_scope": SERVICE,
        }
        iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
        handlers[SERVICE] = self.handle_request
        threading.Thread(target=self._look, name="pipeline sources", daemon=True).start()

    async def handle_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        name = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        action = self._actions.get(name)
        if action is None:
            return error_response_json("UnknownOperationException", f"The local cloud has no {name}", 400)
        try:
            return json_response(action(json.loads(body or b"{}")))
        except Refused as refused:
            return error_response_json(*refused.args, 400)

    # -- pipelines ---

    def create(self, data: Record) -> Record:
        pipeline = data["pipeline"]
        if pipeline["name"] in self._pipelines:
            raise Refused("PipelineNameInUseException", f"A pipeline with the name '{pipeline['name']}' already exists")
        now = time.time()
        pipeline["version"] = 1
        arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{pipeline['name']}"
        record = {"pipeline": pipeline, "tags": data.get("tags", []), "arn": arn, "created": now, "updated": now}
        self._pipelines[pipeline["name"]] = {**record, "executions": [], "seen": _seen(pipeline)}
        self._start(pipeline["name"], "CreatePipeline")
        return {"pipeline": pipeline, "tags": record["tags"]}

    def update(self, data: Record) -> Record:
        record = self._record(data["pipeline"]["name"])
        data["pipeline"]["version"] = record["pipeline"]["version"] + 1
        record |= {"pipeline": data["pipeline"], "updated": time.time()}
        return {"pipeline": data["pipeline"]}

    def get(self, data: Record) -> Record:
        record = self._record(data["name"])
        about = {"pipelineArn": record["arn"], "created": record["created"], "updated": record["updated"]}
        return {"pipeline": record["pipeline"], "metadata": about}

    def delete(self, data: Record) -> Record:
        record = self._pipelines.pop(data["name"], None)
        for execution in record["executions"] if record else ():
            execution.stop()
        return {}

    def _record(self, name: str) -> Record:
        record: Record | None = self._pipelines.get(name)
        if record is None:
            message = f"Account '{get_account_id()}' does not have a pipeline with name '{name}'"
            raise Refused("PipelineNotFoundException", message)
        return record

    # -- executions ---

    def start(self, data: Record) -> Record:
        self._record(data["name"])
        return {"pipelineExecutionId": self._start(data["name"], "StartPipelineExecution").id}

    def stop(self, data: Record) -> Record:
        self._execution(data).stop()
        return {"pipelineExecutionId": data["pipelineExecutionId"]}

    def _start(self, name: str, trigger: str) -> Execution:
        record = self._record(name)
        execution = Execution(record["pipeline"], self._builds, self._port, trigger)
        for earlier in record["executions"]:
            if earlier.status == "InProgress":
                earlier.stop()  # a newer one supersedes what still waits
        record["executions"].append(execution)
        threading.Thread(
            target=contextvars.copy_context().run, args=(execution.run,), name=execution.id, daemon=True
        ).start()
        return execution

    def _execution(self, data: Record) -> Execution:
        for execution in self._record(data["pipelineName"])["executions"]:
            if execution.id == data["pipelineExecutionId"]:
                found: Execution = execution
                return found
        raise Refused("PipelineExecutionNotFoundException", f"no execution {data['pipelineExecutionId']}")

    def state(self, data: Record) -> Record:
        record = self._record(data["name"])
        newest: Execution | None = record["executions"][-1] if record["executions"] else None
        stages = []
        for stage in record["pipeline"]["stages"]:
            found = newest.stages.get(stage["name"], {}) if newest else {}
            actions = [
                {"actionName": one["name"], **_shown(found.get("actions", {}).get(one["name"]))}
                for one in stage["actions"]
            ]
            shown: Record = {"stageName": stage["name"], "actionStates": actions}
            if newest and found:
                shown["latestExecution"] = {"pipelineExecutionId": newest.id, "status": found["status"]}
            stages.append(shown)
        about = {"created": record["created"], "updated": record["updated"]}
        return {
            "pipelineName": data["name"],
            "pipelineVersion": record["pipeline"]["version"],
            "stageStates": stages,
        } | about

    def execution(self, data: Record) -> Record:
        execution = self._execution(data)
        found = {"pipelineName": data["pipelineName"], "pipelineVersion": 1, "pipelineExecutionId": execution.id}
        return {"pipelineExecution": found | {"status": execution.status, "artifactRevisions": execution.revisions}}

    def executions(self, data: Record) -> Record:
        listed = [
            {
                "pipelineExecutionId": one.id,
                "status": one.status,
                "startTime": one.started,
                "lastUpdateTime": one.started,
                "trigger": {"triggerType": one.trigger},
                "sourceRevisions": [],
            }
            for one in reversed(self._record(data["pipelineName"])["executions"])
        ]
        return {"pipelineExecutionSummaries": listed}

    def approve(self, data: Record) -> Record:
        for execution in self._record(data["pipelineName"])["executions"]:
            if execution.status == "InProgress":
                execution.approve(data["stageName"], data["actionName"], data["token"], data["result"])
        return {"approvedAt": time.time()}

    # -- tags ---

    def _tagged(self, data: Record) -> Record:
        return self._record(str(data["resourceArn"]).rpartition(":")[2])

    def tag(self, data: Record) -> Record:
        record = self._tagged(data)
        given = {tag["key"]: tag for tag in data["tags"]}
        record["tags"] = [*(tag for tag in record["tags"] if tag["key"] not in given), *given.values()]
        return {}

    def untag(self, data: Record) -> Record:
        record = self._tagged(data)
        record["tags"] = [tag for tag in record["tags"] if tag["key"] not in data["tagKeys"]]
        return {}

    # -- sources ---

    def _look(self) -> None:
        """Start an execution where a polled source object is another one than before."""
        while True:
            time.sleep(LOOK_SECONDS)
            for (account, region, name), record in list(self._pipelines.all_items()):
                with request_scope(account, region):
                    now = _seen(record["pipeline"])
                    if now and now != record["seen"]:
                        record["seen"] = now
                        self._start(name, "PollForSourceChanges")


def _seen(pipeline: Record) -> str:
    """The present version of a polled S3 source; nothing when there is none."""
    for action in pipeline["stages"][0]["actions"]:
        where = action.get("configuration") or {}
        if action["actionTypeId"]["provider"] == "S3" and where.get("PollForSourceChanges", "true") == "true":
            found = s3._head_object(where["S3Bucket"], where["S3ObjectKey"], {})
            return str(found[1].get("x-amz-version-id") or found[1].get("ETag", "")) if found[0] == 200 else ""
    return ""


def _shown(state: Record | None) -> Record:
    if not state:
        return {}
    shown = {
        key: state[key] for key in ("status", "summary", "token", "externalExecutionId", "errorDetails") if key in state
    }
    return {"latestExecution": shown | {"lastStatusChange": state["lastStatusChange"]}}
