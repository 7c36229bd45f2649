"""What the set-up asks of the local cloud and puts into it, run by the virtual environment's Python.

`python -m localcloud.up.inside STACK` prints one JSON object: the cloud's identity, the wanted image tag, the
repository and the tags it holds.
"""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.up.systems import system_of

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "infra-release:"
GITHUB_ISSUER = "token.actions.githubusercontent.com"
IDENTITY = "/infra-release/local-cloud"  # a parameter that lives and dies with the local cloud's memory


def prepare(stack: str) -> dict[str, Any]:
    """Put into the cloud what the stack finds there, secrets and GitHub's OIDC provider; tell what else is there."""
    settings = stack_settings(stack)
    for parameter in settings.get("secrets", {}).values():
        put_once(parameter, "SecureString")
    if "github" in settings and settings.get("createOidcProvider") == "false":
        trust_github()
    name = settings.get("repository", system_of(stack).repository)
    uri, tags = repository(name) if name else (None, [])
    return {"cloud": put_once(IDENTITY, "String"), "tag": settings.get("imageTag"), "repository": uri, "tags": tags}


def stack_settings(stack: str) -> dict[str, Any]:
    """The stack's own values, without the namespace."""
    file = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    if not file.exists():
        raise FileNotFoundError(f"there is no stack {stack!r}: {file.relative_to(ROOT)} does not exist")
    values = (yaml.safe_load(file.read_text()) or {}).get("config", {})
    return {key.removeprefix(PREFIX): value for key, value in values.items() if key.startswith(PREFIX)}


def client(service: str) -> Any:
    """A client of the local cloud; boto3 itself does not look at AWS_REGION."""
    return boto3.client(service, region_name=os.environ["AWS_REGION"])


def put_once(name: str, kind: str) -> str:
    """The parameter's value; a random one is made when it is missing."""
    ssm = client("ssm")
    try:
        return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
    value = secrets.token_urlsafe(32)
    ssm.put_parameter(Name=name, Value=value, Type=kind)
    return value


def trust_github() -> None:
    """The account's OIDC provider for GitHub, which no stack here keeps because all share it."""
    iam = client("iam")
    known = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    if not any(provider["Arn"].endswith(f"/{GITHUB_ISSUER}") for provider in known):
        iam.create_open_id_connect_provider(Url=f"https://{GITHUB_ISSUER}", ClientIDList=["sts.amazonaws.com"])


def repository(name: str) -> tuple[str | None, list[str]]:
    """The address of the image repository and its tags; None when it is not there yet."""
    ecr = client("ecr")
    try:
        uri = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"]
        pages = ecr.get_paginator("describe_images").paginate(repositoryName=name)
        return str(uri), [tag for page in pages for image in page["imageDetails"] for tag in image.get("imageTags", [])]
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryNotFoundException":
            raise
    return None, []


if __name__ == "__main__":
    try:
        print(json.dumps(prepare(sys.argv[1])))
    except FileNotFoundError as missing:
        sys.exit(str(missing))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"the local cloud does not do its part: {error}")
