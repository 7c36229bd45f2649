"""CodeBuild: projects and their webhooks."""

from typing import Any

from ...values import Object
from ..properties import flag, many, name, one, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map

_SOURCE = {
    "type": text(required=True),
    "location": text(),
    "buildspec": text(),
    "gitCloneDepth": whole(),
    "insecureSsl": flag(),
    "reportBuildStatus": flag(),
    "auth": one({"type": text(required=True), "resource": text(required=True)}),
}
_ARTIFACTS = {
    "type": text(required=True),
    "location": text(),
    "name": text(),
    "namespaceType": text(),
    "packaging": text(),
    "path": text(),
    "encryptionDisabled": flag(),
}
_ENVIRONMENT = {
    "type": text(required=True),
    "image": text(required=True),
    "computeType": text(required=True),
    "imagePullCredentialsType": text(),
    "privilegedMode": flag(),
    "environmentVariables": many(
        {"name": text(required=True), "value": text(required=True), "type": text(default="PLAINTEXT")}
    ),
}


@row
class Project(Row):
    token = "aws:codebuild/project:Project"
    import_id = "the project's name"
    upper = False
    tagged = True
    gone = ("ResourceNotFoundException",)
    outputs = ("arn",)
    props = {
        "name": name(150),
        "description": text(computed=True),
        "serviceRole": text(required=True),
        "source": one(_SOURCE, required=True),
        "sourceVersion": text(),
        "artifacts": one(_ARTIFACTS, required=True),
        "cache": one({"type": text(), "location": text(), "modes": texts()}),
        "environment": one(_ENVIRONMENT, required=True),
        "logsConfig": one(
            {"cloudwatchLogs": one({"status": text(), "groupName": text(), "streamName": text()}, api="cloudWatchLogs")}
        ),
        "buildTimeout": whole(computed=True, api="timeoutInMinutes"),
        "queuedTimeout": whole(computed=True, api="queuedTimeoutInMinutes"),
        "concurrentBuildLimit": whole(),
        "encryptionKey": text(computed=True),
    }

    def create(self, op: Op) -> str:
        op.client("codebuild").create_project(**self.send(op), tags=tag_list(op.tags, "key", "value"))
        return op.created(op.inputs["name"])

    def read(self, op: Op) -> Object | None:
        found = op.client("codebuild").batch_get_projects(names=[op.id])["projects"]
        if not found:
            return None
        values = self.receive(found[0])
        shown = {key: value for key, value in values.items() if value not in ("", {}, []) or key in op.inputs}
        if shown.get("cache", {}).get("type") == "NO_CACHE":
            shown.pop("cache")
        return {**shown, "arn": found[0]["arn"], "tagsAll": tag_map(found[0].get("tags"), "key", "value")}

    def update(self, op: Op) -> None:
        if op.changed:
            sent: dict[str, Any] = {"cache": {"type": "NO_CACHE"}, "sourceVersion": "", **self.send(op)}
            op.client("codebuild").update_project(**sent)

    def delete(self, op: Op) -> None:
        op.client("codebuild").delete_project(name=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        op.client("codebuild").update_project(name=op.id, tags=tag_list(op.tags, "key", "value"))


@row
class Webhook(Row):
    token = "aws:codebuild/webhook:Webhook"
    import_id = "the project's name"
    upper = False
    gone = ("ResourceNotFoundException",)
    outputs = ("payloadUrl", "url")
    props = {
        "projectName": text(required=True, replace=True),
        "buildType": text(),
        "filterGroups": many(
            {
                "filters": many(
                    {
                        "type": text(required=True),
                        "pattern": text(required=True),
                        "excludeMatchedPattern": flag(default=False),
                    }
                )
            },
            api="",
        ),
    }

    def _groups(self, op: Op) -> list[list[Object]]:
        return [list(group.get("filters") or []) for group in op.inputs.get("filterGroups") or []]

    def create(self, op: Op) -> str:
        op.client("codebuild").create_webhook(**self.send(op), filterGroups=self._groups(op))
        return op.created(op.inputs["projectName"])

    def read(self, op: Op) -> Object | None:
        found = op.client("codebuild").batch_get_projects(names=[op.id])["projects"]
        webhook = found[0].get("webhook") if found else None
        if not webhook:
            return None
        groups = [
            {"filters": [{"excludeMatchedPattern": False, **one} for one in group]}
            for group in webhook.get("filterGroups") or []
        ]
        return {
            "projectName": op.id,
            "buildType": webhook.get("buildType"),
            "filterGroups": groups,
            "payloadUrl": webhook["payloadUrl"],
            "url": webhook["url"],
        }

    def update(self, op: Op) -> None:
        op.client("codebuild").update_webhook(**self.send(op), filterGroups=self._groups(op))

    def delete(self, op: Op) -> None:
        op.client("codebuild").delete_webhook(projectName=op.id)
