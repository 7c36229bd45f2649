"""Who acts from GitHub Actions: a role that releases and one that previews, taken with a run's token, not with keys."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components import policies
from components.arns import Arns


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    arns: Arns
    release_role: str
    preview_role: str
    repository: str  # org/repository on GitHub
    claim: str  # of the runs that may release: `environment:prod` or `ref:refs/heads/main`
    organization_id: str | None
    repository_id: str | None
    release_policy: pulumi.Input[policies.Document]  # what a run that releases may do
    preview_policy: pulumi.Input[policies.Document]  # what a run that previews may read
    create_provider: bool  # False: another stack of the account keeps it; there is one per account


class Identity(pulumi.ComponentResource):
    """Roles for exactly this repository: its named branch or environment releases, its pull requests preview."""

    release_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:identity:Identity", name, None, opts)
        release, preview = args.release_policy, args.preview_policy
        issuer: pulumi.Input[str] = args.arns.github
        if args.create_provider:
            issuer = iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{policies.GITHUB_ISSUER}",
                client_id_lists=["sts.amazonaws.com"],
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
        self.release_role_arn = self._role(f"{name}-release", args.release_role, args, args.claim, issuer, release)
        self.preview_role_arn = self._role(f"{name}-preview", args.preview_role, args, "pull_request", issuer, preview)
        self.register_outputs({"releaseRoleArn": self.release_role_arn, "previewRoleArn": self.preview_role_arn})

    def _role(
        self,
        name: str,
        role_name: str,
        args: IdentityArgs,
        claim: str,
        issuer: pulumi.Input[str],
        policy: pulumi.Input[policies.Document],
    ) -> pulumi.Output[str]:
        """A role with one inline policy; its ARN comes after the policy, so that whoever takes the role can act."""
        subjects = policies.github_subjects(args.repository, claim, args.organization_id, args.repository_id)
        role = iam.Role(
            name,
            name=role_name,
            description=f"GitHub Actions of {args.repository}: {claim}",
            assume_role_policy=pulumi.Output.from_input(issuer).apply(
                lambda arn: json.dumps(policies.github_trust(arn, subjects))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        attached = iam.RolePolicy(
            name,
            name=role_name,
            role=role.name,
            policy=pulumi.Output.json_dumps(policy),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(role.arn, attached.id).apply(lambda values: str(values[0]))
