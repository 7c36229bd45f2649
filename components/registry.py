"""The registry of a system's images."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import ecr

UNTAGGED_DAYS = 7  # a manifest loses its tag when `latest` moves on


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    repository: str
    keep_images: int  # the newest by push; both the running and the last verified release must be among them
    deletable: bool  # with its images: an environment that must not be lost says no


class Registry(pulumi.ComponentResource):
    """Images that are scanned on push, whose release tags never move, and of which the old ones go."""

    url: pulumi.Output[str]  # what an image's tag is put behind

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:registry:Registry", name, None, opts)
        repository = ecr.Repository(
            f"{name}-repository",
            name=args.repository,
            image_scanning_configuration=ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            image_tag_mutability="IMMUTABLE_WITH_EXCLUSION",
            image_tag_mutability_exclusion_filters=[
                ecr.RepositoryImageTagMutabilityExclusionFilterArgs(filter="latest", filter_type="WILDCARD")
            ],
            encryption_configurations=[ecr.RepositoryEncryptionConfigurationArgs(encryption_type="AES256")],
            force_delete=args.deletable,
            opts=pulumi.ResourceOptions(parent=self),
        )
        ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps(lifecycle_policy(args.keep_images)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = repository.repository_url
        self.register_outputs({"url": self.url})


def lifecycle_policy(keep_images: int) -> dict[str, Any]:
    """ECR's rules in their order: what lost its tag goes after a week, of the tagged the newest stay."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    tagged = {
        "tagStatus": "tagged",
        "tagPatternList": ["*"],
        "countType": "imageCountMoreThan",
        "countNumber": keep_images,
    }
    described = ((f"untagged for {UNTAGGED_DAYS} days", untagged), (f"all but the newest {keep_images}", tagged))
    return {
        "rules": [
            {"rulePriority": priority, "description": text, "selection": selection, "action": {"type": "expire"}}
            for priority, (text, selection) in enumerate(described, start=1)
        ]
    }
