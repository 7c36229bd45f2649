"""What TeamMoa's local stack finds outside of itself: a certificate, and the images of its services in the registry.

`python -m localcloud.up.teammoa_supplies STACK`, run by the virtual environment's Python before `pulumi up`.
"""

import sys

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.application import BuildFailed, push, run
from localcloud.up import inside, service_images


def certificate(domain: str) -> None:
    """An issued certificate for the domain; a present one is kept."""
    acm = inside.client("acm")
    pages = acm.get_paginator("list_certificates").paginate(CertificateStatuses=["ISSUED"])
    if any(found["DomainName"] == domain for page in pages for found in page["CertificateSummaryList"]):
        return
    acm.request_certificate(DomainName=domain, ValidationMethod="DNS")


def images() -> None:
    """The image of each service in a repository of its own; what is there is not built again."""
    missing = {}
    for name, version in service_images.IMAGES.items():
        uri, tags = inside.repository(name)
        if uri is None:
            uri = inside.client("ecr").create_repository(repositoryName=name)["repository"]["repositoryUri"]
        if version not in tags:
            missing[name] = f"{uri}:{version}"
    for name, image in missing.items():
        run("docker", "tag", service_images.build(name), image)
    if missing:
        push(*missing.values())


def supply(stack: str) -> None:
    """Everything the stack needs."""
    domain = inside.stack_settings(stack).get("certificateDomain")
    if domain:
        certificate(domain)
    images()


if __name__ == "__main__":
    try:
        supply(sys.argv[1])
    except (BuildFailed, BotoCoreError, ClientError, FileNotFoundError) as error:
        sys.exit(str(error))
