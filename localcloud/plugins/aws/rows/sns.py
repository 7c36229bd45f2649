"""SNS: topics and who is told."""

from typing import Any

from ...values import Object
from ..properties import flag, json_text, name, policy, text
from ..row import Op, Row, row, tag_list, tag_map


@row
class Topic(Row):
    token = "aws:sns/topic:Topic"
    import_id = "the topic's ARN"
    tagged = True
    gone = ("NotFound", "NotFoundException")
    outputs = ("arn", "owner")
    props = {
        "name": name(256),
        "displayName": text(),
        "policy": policy(computed=True),
        "kmsMasterKeyId": text(),
        "deliveryPolicy": json_text(),
    }
    _attributes = ("displayName", "policy", "kmsMasterKeyId", "deliveryPolicy")

    def create(self, op: Op) -> str:
        attributes = self.send(op, *self._attributes)
        sns = op.client("sns")
        tags = {"Tags": tag_list(op.tags)} if op.tags else {}
        return op.created(sns.create_topic(Name=op.inputs["name"], Attributes=attributes, **tags)["TopicArn"])

    def read(self, op: Op) -> Object | None:
        sns = op.client("sns")
        answer = sns.get_topic_attributes(TopicArn=op.id)["Attributes"]
        shown = {key: value for key, value in self.receive(answer).items() if value != ""}
        return {
            **shown,
            "name": op.id.rsplit(":", 1)[-1],
            "arn": op.id,
            "owner": answer.get("Owner") or op.aws.account,
            "tagsAll": tag_map(sns.list_tags_for_resource(ResourceArn=op.id)["Tags"]),
        }

    def update(self, op: Op) -> None:
        for key in self._attributes:
            if key in op.changed:
                sent = self.send(op, key) or {key[0].upper() + key[1:]: ""}
                for attribute, value in sent.items():
                    op.client("sns").set_topic_attributes(TopicArn=op.id, AttributeName=attribute, AttributeValue=value)

    def delete(self, op: Op) -> None:
        op.client("sns").delete_topic(TopicArn=op.id)

    def retag(self, op: Op, put: dict[str, str], removed: list[str]) -> None:
        if removed:
            op.client("sns").untag_resource(ResourceArn=op.id, TagKeys=removed)
        if put:
            op.client("sns").tag_resource(ResourceArn=op.id, Tags=tag_list(put))


@row
class TopicSubscription(Row):
    """Of an address that has to confirm: it exists, pending, from the first moment."""

    token = "aws:sns/topicSubscription:TopicSubscription"
    import_id = "the subscription's ARN"
    gone = Topic.gone
    outputs = ("arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated")
    props = {
        "topic": text(required=True, replace=True, api="TopicArn"),
        "protocol": text(required=True, replace=True),
        "endpoint": text(required=True, replace=True),
        "endpointAutoConfirms": flag(default=False, kept=True),
        "rawMessageDelivery": flag(default=False, api=""),
        "filterPolicy": json_text(api=""),
    }

    def _attributes(self, op: Op, names: Any) -> dict[str, str]:
        wanted = {
            "RawMessageDelivery": ("rawMessageDelivery", str(bool(op.inputs.get("rawMessageDelivery"))).lower()),
            "FilterPolicy": ("filterPolicy", op.inputs.get("filterPolicy") or "{}"),
        }
        return {attribute: value for attribute, (key, value) in wanted.items() if key in names}

    def create(self, op: Op) -> str:
        given = {key for key in ("rawMessageDelivery", "filterPolicy") if op.inputs.get(key)}
        answer = op.client("sns").subscribe(
            **self.send(op), Attributes=self._attributes(op, given), ReturnSubscriptionArn=True
        )
        return op.created(answer["SubscriptionArn"])

    def read(self, op: Op) -> Object | None:
        answer = op.client("sns").get_subscription_attributes(SubscriptionArn=op.id)["Attributes"]
        filtered = answer.get("FilterPolicy")
        return {
            **self.receive(answer),
            "rawMessageDelivery": answer.get("RawMessageDelivery") == "true",
            **({"filterPolicy": filtered} if filtered and filtered != "{}" else {}),
            "arn": op.id,
            "ownerId": answer.get("Owner") or op.aws.account,
            "pendingConfirmation": answer.get("PendingConfirmation") == "true",
            "confirmationWasAuthenticated": answer.get("ConfirmationWasAuthenticated") == "true",
        }

    def update(self, op: Op) -> None:
        for attribute, value in self._attributes(op, op.changed).items():
            op.client("sns").set_subscription_attributes(
                SubscriptionArn=op.id, AttributeName=attribute, AttributeValue=value
            )

    def delete(self, op: Op) -> None:
        op.client("sns").unsubscribe(SubscriptionArn=op.id)
