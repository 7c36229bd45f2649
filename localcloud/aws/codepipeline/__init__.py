"""CodePipeline, which MiniStack lacks: S3 sources, manual approvals and CodeBuild actions that really happen."""

from localcloud.aws.codepipeline.api import CodePipeline as CodePipeline
