"""One walk of a pipeline: a stage begins after every action of the one before succeeded."""

import json
import threading
import time
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge

from localcloud.aws.codebuild.api import CodeBuild, Refused
from localcloud.aws.identity import Principal
from localcloud.aws.sessions import RoleError, service_session
from localcloud.polling import until

Record = dict[str, Any]
POLL_SECONDS = 7 * 24 * 3600.0  # how long CodePipeline waits for an approval
LOOK_SECONDS = 0.5


class ActionFailed(Exception):
    """The action ended badly; the text is shown in the pipeline's state."""


class Execution:
    """States of stages and actions as GetPipelineState shows them; artifacts travel through the pipeline's bucket."""

    def __init__(self, pipeline: Record, builds: CodeBuild, port: int, trigger: str) -> None:
        self.id, self.status, self.trigger, self.started = new_uuid(), "InProgress", trigger, time.time()
        self.pipeline, self._builds, self._port = pipeline, builds, port
        self.stages: dict[str, Record] = {}
        self.revisions: list[Record] = []
        self._artifacts: dict[str, tuple[str, str]] = {}  # artifact → bucket, key
        self._answers: dict[str, Record] = {}  # approval token → result
        self._stop = threading.Event()

    def run(self) -> None:
        self.announce("STARTED")
        try:
            for stage in self.pipeline["stages"]:
                self._stage(stage)
            self.status = "Succeeded"
        except ActionFailed:
            self.status = "Stopped" if self._stop.is_set() else "Failed"
        self.announce({"Succeeded": "SUCCEEDED", "Failed": "FAILED"}.get(self.status, "STOPPED"))

    def stop(self) -> None:
        self._stop.set()

    def approve(self, stage: str, action: str, token: str, result: Record) -> None:
        """Raises `Refused` unless exactly this approval waits."""
        state = self.stages.get(stage, {}).get("actions", {}).get(action, {})
        if state.get("status") != "InProgress" or state.get("token") != token:
            raise Refused(
                "InvalidApprovalTokenException", "The approval request already received a response or has expired."
            )
        self._answers[token] = result

    def announce(self, state: str) -> None:
        """`CodePipeline Pipeline Execution State Change` on the default event bus."""
        name = self.pipeline["name"]
        detail = {"pipeline": name, "execution-id": self.id, "state": state, "version": float(self.pipeline["version"])}
        arn = f"arn:aws:codepipeline:{get_region()}:{get_account_id()}:{name}"
        event = {
            "Source": "aws.codepipeline",
            "DetailType": "CodePipeline Pipeline Execution State Change",
            "Resources": [arn],
            "Detail": json.dumps(detail),
        }
        eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)

    def _stage(self, stage: Record) -> None:
        state: Record = {"status": "InProgress", "actions": {}}
        self.stages[stage["name"]] = state
        try:
            for action in sorted(stage["actions"], key=lambda one: int(one.get("runOrder", 1))):
                self._action(action, state["actions"].setdefault(action["name"], {}))
        except ActionFailed:
            state["status"] = "Failed"
            raise
        state["status"] = "Succeeded"

    def _action(self, action: Record, state: Record) -> None:
        state |= {"status": "InProgress", "lastStatusChange": time.time()}
        kind = (action["actionTypeId"]["category"], action["actionTypeId"]["provider"])
        work = {
            ("Source", "S3"): self._source,
            ("Approval", "Manual"): self._approval,
            ("Build", "CodeBuild"): self._build,
        }
        try:
            if kind not in work:
                raise ActionFailed(f"the local cloud has no action of {kind[0]} by {kind[1]}")
            work[kind](action, state)
        except (ActionFailed, RoleError, Refused, ClientError, BotoCoreError) as error:
            state |= {"status": "Failed", "errorDetails": {"code": "JobFailed", "message": str(error)}}
            raise ActionFailed(str(error)) from error
        finally:
            state["lastStatusChange"] = time.time()
        state["status"] = "Succeeded"

    def _source(self, action: Record, state: Record) -> None:
        where = action["configuration"]
        found = self._s3().get_object(Bucket=where["S3Bucket"], Key=where["S3ObjectKey"])
        revision = found.get("VersionId") or found["ETag"].strip('"')
        self._put(action["outputArtifacts"][0]["name"], found["Body"].read())
        summary = f"Amazon S3 version id: {revision}"
        self.revisions.append(
            {"name": action["outputArtifacts"][0]["name"], "revisionId": revision, "revisionSummary": summary}
        )
        state["summary"] = summary

    def _approval(self, action: Record, state: Record) -> None:
        token = new_uuid()
        state["token"] = token
        topic = (action.get("configuration") or {}).get("NotificationArn")
        if topic:
            approval = {"pipelineName": self.pipeline["name"], "actionName": action["name"], "token": token}
            approval["customData"] = action["configuration"].get("CustomData", "")
            subject = f"APPROVAL NEEDED: {self.pipeline['name']}"[:100]
            self._client("sns").publish(TopicArn=topic, Subject=subject, Message=json.dumps({"approval": approval}))
        until(lambda: token in self._answers or self._stop.is_set(), POLL_SECONDS, LOOK_SECONDS)
        answer = self._answers.get(token)
        if answer is None:
            raise ActionFailed("the execution was stopped before anybody answered")
        state["summary"] = answer.get("summary", "")
        if answer["status"] != "Approved":
            raise ActionFailed(f"Rejected: {answer.get('summary', '')}")

    def _build(self, action: Record, state: Record) -> None:
        bucket, key = self._artifacts[action["inputArtifacts"][0]["name"]]
        source = self._s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        variables = json.loads(action["configuration"].get("EnvironmentVariables", "[]"))
        project = action["configuration"]["ProjectName"]
        self._allowed("codebuild:StartBuild", project)
        build = self._builds.start_for_pipeline(project, source, self.pipeline["name"], variables)
        state["externalExecutionId"] = build["id"]
        until(
            lambda: bool(self._builds.status(build["id"])["buildComplete"]) or self._stop.is_set(),
            POLL_SECONDS,
            LOOK_SECONDS,
        )
        status = self._builds.status(build["id"])["buildStatus"]
        if status != "SUCCEEDED":
            raise ActionFailed(f"Build terminated with state: {status}")

    def _allowed(self, action: str, project: str) -> None:
        """The pipeline's role must be allowed to do what the pipeline does in this process."""
        resource = f"arn:aws:codebuild:{get_region()}:{get_account_id()}:project/{project}"
        key = self._session()["AWS_ACCESS_KEY_ID"]
        if refusal := Principal(key, get_account_id(), get_region()).refusal(action, resource):
            raise ActionFailed(refusal)

    def _put(self, artifact: str, content: bytes) -> None:
        bucket = self.pipeline["artifactStore"]["location"]
        key = f"{self.pipeline['name'][:20]}/{artifact}/{self.id[:8]}.zip"
        self._s3().put_object(Bucket=bucket, Key=key, Body=content)
        self._artifacts[artifact] = (bucket, key)

    def _s3(self) -> Any:
        return self._client("s3")

    def _session(self) -> dict[str, str]:
        return service_session(self.pipeline["roleArn"], "codepipeline.amazonaws.com", self.id)

    def _client(self, service: str) -> Any:
        session = self._session()
        return boto3.client(
            service,
            region_name=get_region(),
            endpoint_url=f"http://localhost:{self._port}",
            aws_access_key_id=session["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=session["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=session["AWS_SESSION_TOKEN"],
        )
