"""What a service runs right now, in the words of ECS."""

from actions.clients import Clients


def running_image(*, cluster: str, service: str, container: str, region: str) -> dict[str, str]:
    """`task_definition` of the primary deployment and the `image` of its container; empty where there is no service."""
    ecs = Clients(region)("ecs")
    services = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if not services or services[0]["status"] == "INACTIVE":
        return {"image": "", "task_definition": ""}
    definition = ecs.describe_task_definition(taskDefinition=services[0]["taskDefinition"])["taskDefinition"]
    image = next(entry["image"] for entry in definition["containerDefinitions"] if entry["name"] == container)
    return {"image": image, "task_definition": definition["taskDefinitionArn"]}
