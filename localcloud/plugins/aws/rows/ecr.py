"""ECR: repositories and their lifecycle policies."""

from ...values import Object
from ..properties import flag, many, name, one, policy, text
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError


@row
class Repository(Row):
    """Refuses to go while it holds images, unless forceDelete."""

    token = "aws:ecr/repository:Repository"
    import_id = "the repository's name"
    upper = False
    tagged = True
    gone = ("RepositoryNotFoundException",)
    outputs = ("arn", "registryId", "repositoryUrl")
    props = {
        "name": name(256, api="repositoryName"),
        "imageTagMutability": text(default="MUTABLE"),
        "imageTagMutabilityExclusionFilters": many(
            {"filter": text(required=True), "filterType": text(required=True)}, unordered=True
        ),
        "imageScanningConfiguration": one({"scanOnPush": flag(required=True)}),
        "encryptionConfigurations": many(
            {"encryptionType": text(default="AES256", replace=True), "kmsKey": text(computed=True, replace=True)},
            replace=True,
            computed=True,
            api="encryptionConfiguration",
        ),
        "forceDelete": flag(kept=True),
    }

    def create(self, op: Op) -> str:
        sent = self.send(op)
        if "encryptionConfiguration" in sent:
            sent["encryptionConfiguration"] = sent["encryptionConfiguration"][0]
        op.client("ecr").create_repository(**sent, tags=tag_list(op.tags))
        return op.created(op.inputs["name"])

    def read(self, op: Op) -> Object | None:
        ecr = op.client("ecr")
        found = ecr.describe_repositories(repositoryNames=[op.id])["repositories"]
        if not found:
            return None
        answer = dict(found[0])
        encryption = answer.pop("encryptionConfiguration", None)
        answer["encryptionConfiguration"] = [encryption] if encryption else []
        return {
            **self.receive(answer),
            "arn": answer["repositoryArn"],
            "registryId": answer["registryId"],
            "repositoryUrl": answer["repositoryUri"],
            "tagsAll": tag_map(ecr.list_tags_for_resource(resourceArn=answer["repositoryArn"])["tags"]),
        }

    def update(self, op: Op) -> None:
        ecr = op.client("ecr")
        if op.changed & {"imageTagMutability", "imageTagMutabilityExclusionFilters"}:
            sent = self.send(op, "name", "imageTagMutability", "imageTagMutabilityExclusionFilters")
            ecr.put_image_tag_mutability(**sent)
        if "imageScanningConfiguration" in op.changed:
            scanning = op.inputs.get("imageScanningConfiguration") or {"scanOnPush": False}
            ecr.put_image_scanning_configuration(repositoryName=op.id, imageScanningConfiguration=scanning)

    def delete(self, op: Op) -> None:
        try:
            op.client("ecr").delete_repository(repositoryName=op.id, force=bool(op.old.get("forceDelete")))
        except ApiError as error:
            if error.code == "RepositoryNotEmptyException":
                raise ApiError(
                    error.action, error.code, f"{error.message} (set forceDelete to delete its images too)"
                ) from error
            raise

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        arn = op.old["arn"]
        if removed:
            op.client("ecr").untag_resource(resourceArn=arn, tagKeys=removed)
        if put:
            op.client("ecr").tag_resource(resourceArn=arn, tags=tag_list(put))


@row
class LifecyclePolicy(Row):
    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
    import_id = "the repository's name"
    upper = False
    gone = ("LifecyclePolicyNotFoundException", "RepositoryNotFoundException")
    outputs = ("registryId",)
    props = {
        "repository": text(required=True, replace=True, api="repositoryName"),
        "policy": policy(required=True, api="lifecyclePolicyText"),
    }

    def create(self, op: Op) -> str:
        op.client("ecr").put_lifecycle_policy(**self.send(op))
        return op.created(op.inputs["repository"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("ecr").get_lifecycle_policy(repositoryName=op.id)
        return {**self.receive(answer), "registryId": answer["registryId"]}

    def update(self, op: Op) -> None:
        op.client("ecr").put_lifecycle_policy(**self.send(op))

    def delete(self, op: Op) -> None:
        op.client("ecr").delete_lifecycle_policy(repositoryName=op.id)
