"""Production takes the release that staging verified, once a person has approved it; nothing is built again."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import codepipeline, iam

from components import pipeline_policies
from components.artifacts import Artifacts


@dataclass(frozen=True, kw_only=True)
class PromotionArgs:
    pipeline: str
    account: str
    region: str
    source_bucket: str  # staging's
    source_key: str
    artifacts: Artifacts
    project: pulumi.Input[str]  # deploys what it is handed
    project_name: str
    topic_arn: pulumi.Input[str]  # where people hear that an approval waits


class Promotion(pulumi.ComponentResource):
    """Source → Approval → Deploy: without an approval nothing happens."""

    pipeline: pulumi.Output[str]

    def __init__(self, name: str, args: PromotionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:pipeline:Promotion", name, None, opts)
        role = self._role(name, args)
        pipeline = codepipeline.Pipeline(
            f"{name}-promotion",
            name=args.pipeline,
            pipeline_type="V2",
            execution_mode="SUPERSEDED",  # a newer release takes the place of one that still waits for its approval
            role_arn=role,
            artifact_stores=[codepipeline.PipelineArtifactStoreArgs(type="S3", location=args.artifacts.bucket)],
            stages=[
                _stage(
                    "Source",
                    "S3",
                    {"S3Bucket": args.source_bucket, "S3ObjectKey": args.source_key, "PollForSourceChanges": "true"},
                    gives="release",
                ),
                _stage("Approval", "Manual", {"NotificationArn": args.topic_arn, "CustomData": "staging verified it"}),
                _stage("Deploy", "CodeBuild", {"ProjectName": args.project}, takes="release"),
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.pipeline = pipeline.name
        self.register_outputs({"pipeline": self.pipeline})

    def _role(self, name: str, args: PromotionArgs) -> pulumi.Output[str]:
        trust = pipeline_policies.service_trust("codepipeline.amazonaws.com", args.account)
        role = iam.Role(
            f"{name}-promotion",
            name=args.pipeline,
            description=f"the pipeline {args.pipeline}",
            assume_role_policy=json.dumps(trust),
            opts=pulumi.ResourceOptions(parent=self),
        )
        project = f"arn:aws:codebuild:{args.region}:{args.account}:project/{args.project_name}"
        policy = iam.RolePolicy(
            f"{name}-promotion",
            name=args.pipeline,
            role=role.name,
            policy=pulumi.Output.all(args.artifacts.arn, args.topic_arn).apply(
                lambda found: json.dumps(
                    pipeline_policies.promotion_policy(args.source_bucket, args.source_key, found[0], project, found[1])
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(role.arn, policy.id).apply(lambda values: str(values[0]))


CATEGORIES = {"S3": "Source", "Manual": "Approval", "CodeBuild": "Build"}


def _stage(
    name: str, provider: str, configuration: dict[str, pulumi.Input[str]], *, takes: str = "", gives: str = ""
) -> codepipeline.PipelineStageArgs:
    """A stage of one action."""
    action = codepipeline.PipelineStageActionArgs(
        name=name,
        category=CATEGORIES[provider],
        owner="AWS",
        provider=provider,
        version="1",
        configuration=configuration,
        input_artifacts=[takes] if takes else None,
        output_artifacts=[gives] if gives else None,
    )
    return codepipeline.PipelineStageArgs(name=name, actions=[action])
