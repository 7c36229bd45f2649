"""SNS: who may publish to a topic."""

import json

from ...values import Object
from ..properties import policy, text
from ..row import Op, Row, row


@row
class TopicPolicy(Row):
    """Deleted it gives way to the policy every topic begins with: its owner and nobody else."""

    token = "aws:sns/topicPolicy:TopicPolicy"
    import_id = "the topic's ARN"
    gone = ("NotFound", "NotFoundException")
    outputs = ("owner",)
    props = {"arn": text(required=True, replace=True), "policy": policy(required=True)}

    def create(self, op: Op) -> str:
        self.update(op)
        return op.created(op.inputs["arn"])

    def update(self, op: Op) -> None:
        self._put(op, op.inputs["arn"], op.inputs["policy"])

    def _put(self, op: Op, topic: str, document: str) -> None:
        op.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)

    def read(self, op: Op) -> Object | None:
        found = op.client("sns").get_topic_attributes(TopicArn=op.id)["Attributes"]
        document = found.get("Policy")
        if not document or json.loads(document).get("Id") == DEFAULT:
            return None
        return {"arn": op.id, "policy": document, "owner": found.get("Owner") or op.aws.account}

    def delete(self, op: Op) -> None:
        owner = {"StringEquals": {"AWS:SourceOwner": op.aws.account}}
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish", "Resource": op.id}
        document = {"Version": "2008-10-17", "Id": DEFAULT, "Statement": [{**statement, "Condition": owner}]}
        self._put(op, op.id, json.dumps(document))


DEFAULT = "__default_policy_ID"
