"""An ECS service on Fargate, created empty: the release fills it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import ec2, ecs, iam

from components import policies
from components.arns import Arns
from components.balancer import Balancer, TargetHealth
from components.doors import behind_balancer, reach_out
from components.naming import Names
from components.network import Network


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    names: Names
    arns: Arns
    network: Network
    balancer: Balancer
    repository_url: pulumi.Input[str]
    region: str
    port: int
    cpu: int  # Fargate's units
    memory: int  # MiB
    health: TargetHealth
    health_command: str | None  # asked inside the container; None = the health path, asked with Python
    grace_seconds: int  # after a task's start, in which failed health checks do not count
    parameters: Mapping[str, str]  # variable → SSM parameter name
    fingerprint: str  # of the settings' values


class EcsService(pulumi.ComponentResource):
    """Cluster, roles, a template for task definitions, and a service of no tasks behind a balancer."""

    cluster: pulumi.Output[str]
    service: pulumi.Output[str]
    template_arn: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:service:EcsService", name, None, opts)
        cluster = ecs.Cluster(
            f"{name}-cluster",
            name=args.names.cluster,
            settings=[ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            opts=self._child(),
        )
        execution_role, task_role = self._roles(name, args)
        template = self._template(name, args, execution_role, task_role)
        tasks, doors = self._security_group(name, args)
        service = self._service(name, args, cluster, template, tasks, doors)
        self.cluster, self.service, self.template_arn = cluster.name, service.name, template.arn
        self.register_outputs({"cluster": self.cluster, "service": self.service, "templateArn": self.template_arn})

    def _child(self, **options: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **options)

    def _roles(self, name: str, args: ServiceArgs) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """The role ECS acts with before a task runs, and the one the application has: it may do nothing."""
        trust = json.dumps(policies.ecs_task_trust(args.arns))
        execution = iam.Role(
            f"{name}-execution",
            name=args.names.execution_role,
            description=f"{args.names.base}: what ECS does before a task runs",
            assume_role_policy=trust,
            opts=self._child(),
        )
        parameters = sorted(set(args.parameters.values()))
        attached = iam.RolePolicy(
            f"{name}-execution",
            name=args.names.execution_role,
            role=execution.name,
            policy=json.dumps(policies.execution_policy(args.arns, parameters)),
            opts=self._child(),
        )
        task = iam.Role(
            f"{name}-task",
            name=args.names.task_role,
            description=f"{args.names.base}: the application",
            assume_role_policy=trust,
            opts=self._child(),
        )
        return pulumi.Output.all(execution.arn, attached.id).apply(lambda values: str(values[0])), task.arn

    def _template(
        self, name: str, args: ServiceArgs, execution_role: pulumi.Output[str], task_role: pulumi.Output[str]
    ) -> ecs.TaskDefinition:
        """Everything of a task but the image: a release copies it and puts a digest in."""
        definition = pulumi.Output.from_input(args.repository_url).apply(
            lambda url: json.dumps([container_definition(args, url)])
        )
        return ecs.TaskDefinition(
            f"{name}-template",
            family=args.names.template_family,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu),
            memory=str(args.memory),
            runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture="X86_64"
            ),
            execution_role_arn=execution_role,
            task_role_arn=task_role,
            container_definitions=definition,
            opts=self._child(),
        )

    def _security_group(self, name: str, args: ServiceArgs) -> tuple[ec2.SecurityGroup, list[pulumi.Resource]]:
        """Tasks hear the balancer only, which speaks to tasks only; tasks reach out for images, logs and parameters."""
        group = ec2.SecurityGroup(
            f"{name}-tasks",
            name=args.names.service,
            description=f"{args.names.base}: the tasks",
            vpc_id=args.network.vpc_id,
            opts=self._child(),
        )
        talk = behind_balancer(
            name,
            role="tasks",
            group_id=group.id,
            balancer_group_id=args.balancer.security_group_id,
            port=args.port,
            parent=self,
        )
        return group, [*talk, reach_out(name, role="tasks", group_id=group.id, parent=self)]

    def _service(
        self,
        name: str,
        args: ServiceArgs,
        cluster: ecs.Cluster,
        template: ecs.TaskDefinition,
        tasks: ec2.SecurityGroup,
        doors: list[pulumi.Resource],
    ) -> ecs.Service:
        return ecs.Service(
            f"{name}-service",
            name=args.names.service,
            cluster=cluster.arn,
            launch_type="FARGATE",
            task_definition=template.arn,
            desired_count=0,  # the template's image is none: the first release brings the first task
            deployment_controller=ecs.ServiceDeploymentControllerArgs(
                type="ECS"
            ),  # said, as an imported service has it
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            # The second net, for a release whose runner died: ECS stops starting broken tasks while the old ones serve.
            # It does not go back by itself: it knows the last completed deployment, the release the last verified one.
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=False),
            health_check_grace_period_seconds=args.grace_seconds,
            propagate_tags="SERVICE",
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=list(args.network.subnet_ids), security_groups=[tasks.id], assign_public_ip=True
            ),
            load_balancers=[
                ecs.ServiceLoadBalancerArgs(
                    target_group_arn=args.balancer.target_group_arn,
                    container_name=args.names.container,
                    container_port=args.port,
                )
            ],
            # The release moves both; ECS refuses a target group without a listener.
            opts=self._child(ignore_changes=["taskDefinition", "desiredCount"], depends_on=[args.balancer, *doors]),
        )


def container_definition(args: ServiceArgs, repository_url: str) -> dict[str, Any]:
    """The application's container in the words of ECS, with an image that does not exist."""
    names, health = args.names, args.health
    return {
        "name": names.container,
        "image": f"{repository_url}:unreleased",
        "essential": True,
        "portMappings": [{"containerPort": args.port, "hostPort": args.port, "protocol": "tcp"}],
        "secrets": [
            {"name": variable, "valueFrom": args.arns.parameter(name)}
            for variable, name in sorted(args.parameters.items())
        ],
        "dockerLabels": {"infra-release.settings": args.fingerprint},  # new values: a new template, hence a release
        "healthCheck": {
            "command": ["CMD-SHELL", args.health_command or health_command(args.port, health)],
            "interval": health.interval,
            "timeout": min(health.timeout, 60),  # ECS's longest
            "retries": health.unhealthy_threshold,
            "startPeriod": min(args.grace_seconds, 300),  # ECS's longest
        },
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": names.log_group,
                "awslogs-region": args.region,
                "awslogs-stream-prefix": names.container,
            },
        },
    }


def health_command(port: int, health: TargetHealth) -> str:
    """Asks the health path inside the container; the image has Python, not necessarily curl."""
    url = f"http://127.0.0.1:{port}{health.path}"
    return f"python3 -c \"import urllib.request as r; r.urlopen('{url}', timeout={health.timeout})\""
