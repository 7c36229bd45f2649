"""IAM: the profile under which an instance has a role."""

from ...values import Object
from ..properties import name, text
from ..row import Op, row, tag_list, tag_map
from .iam import Iam


@row
class InstanceProfile(Iam):
    token = "aws:iam/instanceProfile:InstanceProfile"
    import_id = "the profile's name"
    tagged = True
    outputs = ("arn", "createDate", "uniqueId")
    props = {
        "name": name(128, api="InstanceProfileName"),
        "path": text(default="/", replace=True),
        "role": text(api=""),
    }

    def create(self, op: Op) -> str:
        op.client("iam").create_instance_profile(**self.send(op), **self.tags(op))
        op.created(op.inputs["name"])
        if role := op.inputs.get("role"):
            op.client("iam").add_role_to_instance_profile(InstanceProfileName=op.id, RoleName=role)
        return op.id

    def read(self, op: Op) -> Object | None:
        iam = op.client("iam")
        found = iam.get_instance_profile(InstanceProfileName=op.id)["InstanceProfile"]
        roles = [one["RoleName"] for one in found.get("Roles", [])]
        return {
            **self.receive(found),
            **({"role": roles[0]} if roles else {}),
            "arn": found["Arn"],
            "createDate": found["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "uniqueId": found["InstanceProfileId"],
            "tagsAll": tag_map(iam.list_instance_profile_tags(InstanceProfileName=op.id)["Tags"]),
        }

    def update(self, op: Op) -> None:
        self._remove(op)
        if role := op.inputs.get("role"):
            op.client("iam").add_role_to_instance_profile(InstanceProfileName=op.id, RoleName=role)

    def _remove(self, op: Op) -> None:
        iam = op.client("iam")
        for one in iam.get_instance_profile(InstanceProfileName=op.id)["InstanceProfile"].get("Roles", []):
            iam.remove_role_from_instance_profile(InstanceProfileName=op.id, RoleName=one["RoleName"])

    def delete(self, op: Op) -> None:
        self._remove(op)
        op.client("iam").delete_instance_profile(InstanceProfileName=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("iam").untag_instance_profile(InstanceProfileName=op.id, TagKeys=removed)
        if put:
            op.client("iam").tag_instance_profile(InstanceProfileName=op.id, Tags=tag_list(put))
