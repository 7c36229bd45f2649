"""The task count follows the load."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import appautoscaling

from components.naming import Names

DIMENSION = "ecs:service:DesiredCount"
SCALE_OUT_SECONDS = 60  # grow at the next minute's figures
SCALE_IN_SECONDS = 300  # shrink when it stays quiet; AWS's default


@dataclass(frozen=True, kw_only=True)
class AutoscalingArgs:
    names: Names
    min: int
    max: int
    cpu_percent: int | None
    memory_percent: int | None
    requests_per_target: int | None  # per minute
    balancer_dimension: pulumi.Output[str]
    target_dimension: pulumi.Output[str]

    def __post_init__(self) -> None:
        if not 1 <= self.min <= self.max:
            raise ValueError(f"a service scales from 1 task or more upwards, got {self.min} to {self.max}")


class Autoscaling(pulumi.ComponentResource):
    """Keeps each configured figure near its target. Comes after a release: before, there is nothing to scale."""

    def __init__(self, name: str, args: AutoscalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:autoscaling:Autoscaling", name, None, opts)
        target = appautoscaling.Target(
            f"{name}-tasks",
            service_namespace="ecs",
            resource_id=f"service/{args.names.cluster}/{args.names.service}",
            scalable_dimension=DIMENSION,
            min_capacity=args.min,
            max_capacity=args.max,
            opts=pulumi.ResourceOptions(parent=self),
        )
        label = pulumi.Output.concat(args.balancer_dimension, "/", args.target_dimension)
        for role, metric, value, resource_label in (
            ("cpu", "ECSServiceAverageCPUUtilization", args.cpu_percent, None),
            ("memory", "ECSServiceAverageMemoryUtilization", args.memory_percent, None),
            ("requests", "ALBRequestCountPerTarget", args.requests_per_target, label),
        ):
            if value is None:
                continue
            appautoscaling.Policy(
                f"{name}-{role}",
                name=args.names.alarm(f"scale-{role}"),
                policy_type="TargetTrackingScaling",
                service_namespace=target.service_namespace,
                resource_id=target.resource_id,
                scalable_dimension=target.scalable_dimension,
                target_tracking_scaling_policy_configuration=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                    target_value=value,
                    scale_in_cooldown=SCALE_IN_SECONDS,
                    scale_out_cooldown=SCALE_OUT_SECONDS,
                    predefined_metric_specification=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                        predefined_metric_type=metric, resource_label=resource_label
                    ),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
