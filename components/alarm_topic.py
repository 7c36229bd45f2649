"""Who hears of alarms: a topic with one address."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import sns


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    name: str
    email: str  # asked by AWS to confirm before it hears anything


class AlarmTopic(pulumi.ComponentResource):
    """Its ARN is passed on when somebody is asked to listen."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:observability:AlarmTopic", name, None, opts)
        topic = sns.Topic(f"{name}-alarms", name=args.name, opts=pulumi.ResourceOptions(parent=self))
        subscription = sns.TopicSubscription(
            f"{name}-alarms",
            topic=topic.arn,
            protocol="email",
            endpoint=args.email,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = pulumi.Output.all(topic.arn, subscription.id).apply(lambda values: str(values[0]))
        self.register_outputs({"arn": self.arn})
