"""What a service runs right now, in the words of ECS, and whether that is what was released."""

from dataclasses import dataclass

from actions.clients import Clients
from actions.records import Records


@dataclass(frozen=True, kw_only=True)
class Running:
    """Of the service's primary deployment; empty where there is no service."""

    image: str
    task_definition: str
    released: str  # the image of the last verified release, when something else runs; else empty

    @property
    def seen(self) -> dict[str, str]:
        return {"image": self.image, "task_definition": self.task_definition}


def running_image(*, cluster: str, service: str, container: str, table: str, region: str) -> Running:
    """One look at the service and at its last verified release."""
    aws = Clients(region)
    services = aws("ecs").describe_services(cluster=cluster, services=[service])["services"]
    if not services or services[0]["status"] == "INACTIVE":
        return Running(image="", task_definition="", released="")
    answer = aws("ecs").describe_task_definition(taskDefinition=services[0]["taskDefinition"])
    definition = answer["taskDefinition"]
    image = next(entry["image"] for entry in definition["containerDefinitions"] if entry["name"] == container)
    verified = Records(aws, table).verified()
    changed = verified is not None and verified["task_definition"] != definition["taskDefinitionArn"]
    return Running(
        image=image,
        task_definition=definition["taskDefinitionArn"],
        released=verified["image"] if verified and changed else "",
    )
