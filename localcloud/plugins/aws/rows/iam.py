"""IAM: roles, their policies, managed policies, OpenID Connect providers."""

import json
from typing import Any

from ...values import Object
from ..properties import flag, name, policy, text, texts, whole
from ..row import Op, Row, row, tag_list, tag_map
from ..session import ApiError

_VERSIONS = 5  # AWS keeps at most five versions of a managed policy


def document(value: Any) -> str:
    """A policy of an answer as text: boto decodes it to an object."""
    return value if isinstance(value, str) else json.dumps(value)


class Iam(Row):
    regional = False
    gone = ("NoSuchEntity", "NoSuchEntityException")

    def tags(self, op: Op) -> dict[str, Any]:
        return {"Tags": tag_list(op.tags)} if op.tags else {}


@row
class Role(Iam):
    token = "aws:iam/role:Role"
    import_id = "the role's name"
    tagged = True
    outputs = ("arn", "createDate", "uniqueId")
    props = {
        "name": name(64, api="RoleName"),
        "assumeRolePolicy": policy(required=True, api="AssumeRolePolicyDocument"),
        "description": text(),
        "path": text(default="/", replace=True),
        "maxSessionDuration": whole(default=3600),
        "permissionsBoundary": text(),
        "forceDetachPolicies": flag(default=False, kept=True),
    }

    def create(self, op: Op) -> str:
        op.client("iam").create_role(**self.send(op), **self.tags(op))
        return op.created(op.inputs["name"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("iam").get_role(RoleName=op.id)["Role"]
        boundary = (answer.pop("PermissionsBoundary", None) or {}).get("PermissionsBoundaryArn")
        answer["AssumeRolePolicyDocument"] = document(answer["AssumeRolePolicyDocument"])
        return {
            "maxSessionDuration": 3600,
            "description": "",
            **self.receive(answer),
            **({"permissionsBoundary": boundary} if boundary else {}),
            "arn": answer["Arn"],
            "createDate": answer["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "uniqueId": answer["RoleId"],
            "tagsAll": tag_map(answer.get("Tags") or op.client("iam").list_role_tags(RoleName=op.id)["Tags"]),
        }

    def update(self, op: Op) -> None:
        iam, given = op.client("iam"), op.inputs
        if "assumeRolePolicy" in op.changed:
            iam.update_assume_role_policy(RoleName=op.id, PolicyDocument=given["assumeRolePolicy"])
        if op.changed & {"description", "maxSessionDuration"}:
            iam.update_role(
                RoleName=op.id, Description=given.get("description", ""), MaxSessionDuration=given["maxSessionDuration"]
            )
        if "permissionsBoundary" in op.changed:
            if boundary := given.get("permissionsBoundary"):
                iam.put_role_permissions_boundary(RoleName=op.id, PermissionsBoundary=boundary)
            else:
                iam.delete_role_permissions_boundary(RoleName=op.id)

    def delete(self, op: Op) -> None:
        iam = op.client("iam")
        if op.old.get("forceDetachPolicies"):
            for attached in iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=op.id):
                iam.detach_role_policy(RoleName=op.id, PolicyArn=attached["PolicyArn"])
            for inline in iam.pages("list_role_policies", "PolicyNames", RoleName=op.id):
                iam.delete_role_policy(RoleName=op.id, PolicyName=inline)
        iam.delete_role(RoleName=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("iam").untag_role(RoleName=op.id, TagKeys=removed)
        if put:
            op.client("iam").tag_role(RoleName=op.id, Tags=tag_list(put))


@row
class RolePolicy(Iam):
    token = "aws:iam/rolePolicy:RolePolicy"
    import_id = "role name:policy name"
    props = {
        "name": name(128, api="PolicyName"),
        "role": text(required=True, replace=True, api="RoleName"),
        "policy": policy(required=True, api="PolicyDocument"),
    }

    def create(self, op: Op) -> str:
        op.client("iam").put_role_policy(**self.send(op))
        return op.created(f"{op.inputs['role']}:{op.inputs['name']}")

    def read(self, op: Op) -> Object | None:
        role, _, policy_name = op.id.partition(":")
        answer = op.client("iam").get_role_policy(RoleName=role, PolicyName=policy_name)
        return {"role": role, "name": policy_name, "policy": document(answer["PolicyDocument"])}

    def update(self, op: Op) -> None:
        op.client("iam").put_role_policy(**self.send(op))

    def delete(self, op: Op) -> None:
        role, _, policy_name = op.id.partition(":")
        op.client("iam").delete_role_policy(RoleName=role, PolicyName=policy_name)


@row
class RolePolicyAttachment(Iam):
    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    import_id = "role name/policy ARN"
    props = {
        "role": text(required=True, replace=True, api="RoleName"),
        "policyArn": text(required=True, replace=True),
    }

    def create(self, op: Op) -> str:
        op.client("iam").attach_role_policy(**self.send(op))
        return op.created(f"{op.inputs['role']}/{op.inputs['policyArn']}")

    def read(self, op: Op) -> Object | None:
        role, _, arn = op.id.partition("/")
        attached = op.client("iam").pages("list_attached_role_policies", "AttachedPolicies", RoleName=role)
        return {"role": role, "policyArn": arn} if any(one["PolicyArn"] == arn for one in attached) else None

    def delete(self, op: Op) -> None:
        role, _, arn = op.id.partition("/")
        op.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


@row
class Policy(Iam):
    token = "aws:iam/policy:Policy"
    import_id = "the policy's ARN"
    tagged = True
    outputs = ("arn", "policyId", "attachmentCount")
    props = {
        "name": name(128, api="PolicyName"),
        "policy": policy(required=True, api="PolicyDocument"),
        "description": text(replace=True),
        "path": text(default="/", replace=True),
    }

    def create(self, op: Op) -> str:
        return op.created(op.client("iam").create_policy(**self.send(op), **self.tags(op))["Policy"]["Arn"])

    def read(self, op: Op) -> Object | None:
        iam = op.client("iam")
        answer = iam.get_policy(PolicyArn=op.id)["Policy"]
        version = iam.get_policy_version(PolicyArn=op.id, VersionId=answer["DefaultVersionId"])["PolicyVersion"]
        return {
            **self.receive(answer),
            "policy": document(version["Document"]),
            "arn": answer["Arn"],
            "policyId": answer["PolicyId"],
            "attachmentCount": answer.get("AttachmentCount", 0),
            "tagsAll": tag_map(answer.get("Tags") or iam.list_policy_tags(PolicyArn=op.id)["Tags"]),
        }

    def update(self, op: Op) -> None:
        if "policy" not in op.changed:
            return
        iam = op.client("iam")
        versions = iam.pages("list_policy_versions", "Versions", PolicyArn=op.id)
        spare = sorted((one for one in versions if not one["IsDefaultVersion"]), key=lambda one: str(one["CreateDate"]))
        if len(versions) >= _VERSIONS:
            iam.delete_policy_version(PolicyArn=op.id, VersionId=spare[0]["VersionId"])
        iam.create_policy_version(PolicyArn=op.id, PolicyDocument=op.inputs["policy"], SetAsDefault=True)

    def delete(self, op: Op) -> None:
        iam = op.client("iam")
        for version in iam.pages("list_policy_versions", "Versions", PolicyArn=op.id):
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=op.id, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("iam").untag_policy(PolicyArn=op.id, TagKeys=removed)
        if put:
            op.client("iam").tag_policy(PolicyArn=op.id, Tags=tag_list(put))


def without_scheme(url: str) -> str:
    return url.removeprefix("https://")


@row
class OpenIdConnectProvider(Iam):
    """One per account and URL."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    import_id = "the provider's ARN"
    tagged = True
    outputs = ("arn",)
    props = {
        "url": text(required=True, replace=True, meaning=without_scheme),
        "clientIdLists": texts(required=True, unordered=True, api="ClientIDList"),
        "thumbprintLists": texts(computed=True, api="ThumbprintList"),
    }

    def create(self, op: Op) -> str:
        answer = op.client("iam").create_open_id_connect_provider(**self.send(op), **self.tags(op))
        return op.created(answer["OpenIDConnectProviderArn"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=op.id)
        return {"thumbprintLists": [], **self.receive(answer), "arn": op.id, "tagsAll": tag_map(answer.get("Tags"))}

    def update(self, op: Op) -> None:
        iam = op.client("iam")
        if "thumbprintLists" in op.changed:
            iam.update_open_id_connect_provider_thumbprint(
                OpenIDConnectProviderArn=op.id, ThumbprintList=op.inputs["thumbprintLists"]
            )
        before, after = set(op.old.get("clientIdLists") or []), set(op.inputs["clientIdLists"])
        for client in sorted(after - before):
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=op.id, ClientID=client)
        for client in sorted(before - after):
            iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=op.id, ClientID=client)

    def delete(self, op: Op) -> None:
        try:
            op.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=op.id)
        except ApiError as error:
            if not self.is_gone(error):
                raise

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("iam").untag_open_id_connect_provider(OpenIDConnectProviderArn=op.id, TagKeys=removed)
        if put:
            op.client("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=op.id, Tags=tag_list(put))
