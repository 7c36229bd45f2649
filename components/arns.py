"""The ARNs of a system, made from its names, so that policies can be shown before anything exists. Pure."""

from dataclasses import dataclass

from components.naming import Names


@dataclass(frozen=True, kw_only=True)
class Arns:
    """Where a system lives, and how AWS calls its parts there."""

    account: str
    region: str
    names: Names
    repository_name: str

    def _regional(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    @property
    def repository(self) -> str:
        return self.repository_named(self.repository_name)

    def repository_named(self, name: str) -> str:
        return self._regional("ecr", f"repository/{name}")

    @property
    def cluster(self) -> str:
        return self._regional("ecs", f"cluster/{self.names.cluster}")

    @property
    def service(self) -> str:
        return self._regional("ecs", f"service/{self.names.cluster}/{self.names.service}")

    @property
    def service_deployments(self) -> str:
        return self._regional("ecs", f"service-deployment/{self.names.cluster}/{self.names.service}/*")

    @property
    def service_revisions(self) -> str:
        return self._regional("ecs", f"service-revision/{self.names.cluster}/{self.names.service}/*")

    @property
    def tasks(self) -> str:
        return self._regional("ecs", f"task/{self.names.cluster}/*")

    @property
    def released_revisions(self) -> str:
        return self._regional("ecs", f"task-definition/{self.names.family}:*")

    @property
    def ecs_of_account(self) -> str:
        return self._regional("ecs", "*")

    @property
    def alarms(self) -> str:
        return self._regional("cloudwatch", f"alarm:{self.names.base}-*")

    @property
    def log_groups(self) -> str:
        return self._regional("logs", "log-group:*")

    @property
    def log_streams(self) -> str:
        return self._regional("logs", f"log-group:{self.names.log_group}:log-stream:*")

    @property
    def table(self) -> str:
        return self._regional("dynamodb", f"table/{self.names.table}")

    @property
    def target_group(self) -> str:
        """Its last part is AWS's own."""
        return self._regional("elasticloadbalancing", f"targetgroup/{self.names.target_group}/*")

    @property
    def shell_command(self) -> str:
        """SSM's document that runs a script: AWS's own, hence without an account."""
        return f"arn:aws:ssm:{self.region}::document/AWS-RunShellScript"

    @property
    def public_parameters(self) -> str:
        """AWS's and its partners', such as the name of Ubuntu's newest image."""
        return f"arn:aws:ssm:{self.region}::parameter/aws/service/*"

    @property
    def certificates(self) -> str:
        return self._regional("acm", "certificate/*")

    @property
    def topic(self) -> str:
        return self._regional("sns", self.names.topic)

    @property
    def budget(self) -> str:
        return f"arn:aws:budgets::{self.account}:budget/{self.names.budget}"

    @property
    def keys(self) -> str:
        return self._regional("kms", "key/*")

    @property
    def github(self) -> str:
        """The account's one provider of GitHub's tokens."""
        return f"arn:aws:iam::{self.account}:oidc-provider/token.actions.githubusercontent.com"

    def instance(self, identity: str) -> str:
        return self._regional("ec2", f"instance/{identity}")

    def security_group(self, identity: str) -> str:
        return self._regional("ec2", f"security-group/{identity}")

    def parameter(self, name: str) -> str:
        return self._regional("ssm", f"parameter{name}")

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:role/{name}"

    def profile(self, name: str) -> str:
        return f"arn:aws:iam::{self.account}:instance-profile/{name}"
