"""A workflow run of GitHub's, as the cloud sees it: a token for a role."""

from tests.cloud.local_aws.principals import token
from tests.cloud.project import Project
from tests.cloud.session import LocalSession


def subject_of(aws: LocalSession, role: str) -> str:
    """A subject that the role trusts, as its own trust policy names it."""
    policy = aws.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    conditions = policy["Statement"][0]["Condition"]
    subjects = next(value for block in conditions.values() for key, value in block.items() if key.endswith(":sub"))
    return str(subjects[0] if isinstance(subjects, list) else subjects)


def assume(aws: LocalSession, project: Project, subject: str) -> dict[str, str]:
    """The variables of a run with this subject that took the stack's release role."""
    answer = aws.client("sts").assume_role_with_web_identity(
        RoleArn=project.output("githubRoleArn"), RoleSessionName="release", WebIdentityToken=token(sub=subject)
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
        "AWS_SESSION_TOKEN": answer["SessionToken"],
    }
