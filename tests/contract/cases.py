"""One case for each row: what is created, what is changed in place, how it is imported. In the order of creation."""

import json
from typing import Any

from localcloud.plugins.values import Object
from tests.contract.case import Case, States
from tests.contract.hosts import HOSTS
from tests.contract.pipelines import PIPELINES
from tests.contract.storage import STORAGE


def _assume(service: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _allow(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def lifecycle(keep: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": keep}
    return json.dumps({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def _containers(image: str) -> str:
    container = {
        "name": "app",
        "image": image,
        "portMappings": [{"containerPort": 8000}],
        "environment": [{"name": "b", "value": "1"}, {"name": "a", "value": "2"}],
    }
    return json.dumps([container])


def _action(status: str) -> Object:
    return {
        "type": "fixed-response",
        "fixedResponse": {"contentType": "text/plain", "statusCode": status, "messageBody": "no"},
    }


_SCALED = {
    "resourceId": "service/contract/contract",
    "scalableDimension": "ecs:service:DesiredCount",
    "serviceNamespace": "ecs",
}
_SCALED_ID = "ecs/service/contract/contract/ecs:service:DesiredCount"


def _tracking(value: float) -> Object:
    metric = {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}
    return {"targetValue": value, "predefinedMetricSpecification": metric, "scaleInCooldown": 60}


def _service(states: States) -> Object:
    return {
        "name": "contract",
        "cluster": states["cluster"]["arn"],
        "taskDefinition": states["task"]["arn"],
        "desiredCount": 0,
        "launchType": "FARGATE",
        "healthCheckGracePeriodSeconds": 15,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "networkConfiguration": {
            "subnets": [states["subnet-b"]["id"], states["subnet-a"]["id"]],
            "securityGroups": [states["group"]["id"]],
            "assignPublicIp": True,
        },
        "loadBalancers": [{"targetGroupArn": states["targets"]["arn"], "containerName": "app", "containerPort": 8000}],
    }


def _network() -> list[Case]:
    return [
        Case(
            token="aws:ec2/vpc:Vpc",
            name="vpc",
            inputs=lambda s: {"cidrBlock": "10.99.0.0/16"},
            change=lambda s: {"enableDnsHostnames": True},
            replace={"cidrBlock": "10.98.0.0/16"},
        ),
        *(
            Case(
                token="aws:ec2/subnet:Subnet",
                name=f"subnet-{zone}",
                inputs=lambda s, zone=zone, part=part: {  # type: ignore[misc]  # mypy knows no defaults of lambdas
                    "vpcId": s["vpc"]["id"],
                    "cidrBlock": f"10.99.{part}.0/24",
                    "availabilityZone": f"us-east-1{zone}",
                },
                change=lambda s: {"mapPublicIpOnLaunch": True},
                replace={"cidrBlock": "10.99.9.0/24"},
            )
            for part, zone in enumerate("ab")
        ),
        Case(
            token="aws:ec2/internetGateway:InternetGateway", name="internet", inputs=lambda s: {"vpcId": s["vpc"]["id"]}
        ),
        Case(
            token="aws:ec2/routeTable:RouteTable",
            name="table",
            inputs=lambda s: {"vpcId": s["vpc"]["id"]},
            replace={"vpcId": "vpc-0"},
        ),
        Case(
            token="aws:ec2/route:Route",
            name="route",
            tagged=False,
            inputs=lambda s: {
                "routeTableId": s["table"]["id"],
                "destinationCidrBlock": "0.0.0.0/0",
                "gatewayId": s["internet"]["id"],
            },
            replace={"destinationCidrBlock": "1.0.0.0/8"},
            import_id=lambda state: f"{state['routeTableId']}_{state['destinationCidrBlock']}",
        ),
        Case(
            token="aws:ec2/routeTableAssociation:RouteTableAssociation",
            name="association",
            tagged=False,
            inputs=lambda s: {"routeTableId": s["table"]["id"], "subnetId": s["subnet-a"]["id"]},
            replace={"subnetId": "subnet-0"},
            import_id=lambda state: f"{state['subnetId']}/{state['routeTableId']}",
        ),
        Case(
            token="aws:ec2/securityGroup:SecurityGroup",
            name="group",
            inputs=lambda s: {"vpcId": s["vpc"]["id"], "description": "rules as resources"},
            replace={"description": "others"},
        ),
        Case(
            token="aws:ec2/securityGroup:SecurityGroup",
            name="closed-group",
            inputs=lambda s: {
                "vpcId": s["vpc"]["id"],
                "description": "rules inside",
                "ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8"]}],
            },
            change=lambda s: {
                "ingress": [{"protocol": "tcp", "fromPort": 444, "toPort": 444, "cidrBlocks": ["10.0.0.0/8"]}]
            },
            replace={"description": "others"},
        ),
        *(
            Case(
                token=f"aws:vpc/securityGroup{side}Rule:SecurityGroup{side}Rule",
                name=side,
                inputs=lambda s: {
                    "securityGroupId": s["group"]["id"],
                    "ipProtocol": "tcp",
                    "fromPort": 80,
                    "toPort": 80,
                    "cidrIpv4": "0.0.0.0/0",
                    "description": "web",
                },
                change=lambda s: {"description": "the web"},
                replace={"securityGroupId": "sg-0"},
            )
            for side in ("Ingress", "Egress")
        ),
    ]


def _balancer() -> list[Case]:
    return [
        Case(
            token="aws:lb/loadBalancer:LoadBalancer",
            name="balancer",
            inputs=lambda s: {
                "name": "contract",
                "securityGroups": [s["group"]["id"]],
                "subnets": [s["subnet-b"]["id"], s["subnet-a"]["id"]],
            },
            change=lambda s: {"idleTimeout": 120, "enableDeletionProtection": False},
            replace={"name": "another"},
        ),
        Case(
            token="aws:lb/targetGroup:TargetGroup",
            name="targets",
            inputs=lambda s: {
                "name": "contract",
                "port": 8000,
                "protocol": "HTTP",
                "targetType": "ip",
                "vpcId": s["vpc"]["id"],
                "deregistrationDelay": 30,
                "healthCheck": {
                    "path": "/health/",
                    "interval": 5,
                    "timeout": 3,
                    "healthyThreshold": 5,
                    "matcher": "200",
                },
            },
            change=lambda s: {
                "healthCheck": {"path": "/", "interval": 6, "timeout": 3, "healthyThreshold": 5, "matcher": "200-299"},
                "stickiness": {"type": "lb_cookie", "cookieDuration": 60},
                "deregistrationDelay": 60,
            },
            replace={"port": 8001},
        ),
        Case(
            token="aws:lb/listener:Listener",
            name="listener",
            inputs=lambda s: {
                "loadBalancerArn": s["balancer"]["arn"],
                "port": 18080,
                "protocol": "HTTP",
                "defaultActions": [{"type": "forward", "targetGroupArn": s["targets"]["arn"]}],
            },
            change=lambda s: {
                "defaultActions": [
                    {"type": "forward", "forward": {"targetGroups": [{"arn": s["targets"]["arn"], "weight": 7}]}}
                ]
            },
            replace={"loadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:0:loadbalancer/app/x/y"},
        ),
        Case(
            token="aws:lb/listenerRule:ListenerRule",
            name="rule",
            inputs=lambda s: {
                "listenerArn": s["listener"]["arn"],
                "priority": 10,
                "conditions": [{"pathPattern": {"values": ["/b/*", "/a/*"]}}, {"hostHeader": {"values": ["x.test"]}}],
                "actions": [_action("403")],
            },
            change=lambda s: {"priority": 20, "actions": [_action("404")]},
            replace={"listenerArn": "arn:aws:elasticloadbalancing:us-east-1:0:listener/app/x/y/z"},
        ),
    ]


def _identity() -> list[Case]:
    return [
        Case(
            token="aws:iam/role:Role",
            name="role",
            inputs=lambda s: {"assumeRolePolicy": _assume("ecs-tasks.amazonaws.com"), "description": "first"},
            change=lambda s: {"description": "second", "maxSessionDuration": 7200},
            replace={"name": "another"},
        ),
        Case(
            token="aws:iam/rolePolicy:RolePolicy",
            name="inline",
            tagged=False,
            inputs=lambda s: {"role": s["role"]["name"], "policy": _allow("s3:GetObject", "s3:ListBucket")},
            change=lambda s: {"policy": _allow("s3:GetObject")},
            replace={"role": "another"},
        ),
        Case(
            token="aws:iam/policy:Policy",
            name="managed",
            inputs=lambda s: {"policy": _allow("s3:GetObject"), "description": "what for"},
            change=lambda s: {"policy": _allow("s3:PutObject")},
            replace={"description": "something else"},
        ),
        Case(
            token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            name="attachment",
            tagged=False,
            inputs=lambda s: {"role": s["role"]["name"], "policyArn": s["managed"]["arn"]},
            replace={"role": "another"},
        ),
        Case(
            token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            name="github",
            inputs=lambda s: {"url": "https://contract.test", "clientIdLists": ["sts.amazonaws.com"]},
            replace={"url": "https://another.test"},
            retagged=False,
        ),
    ]


def _containers_and_rest() -> list[Case]:
    return [
        Case(
            token="aws:ecr/repository:Repository",
            name="repository",
            inputs=lambda s: {"name": "contract", "imageTagMutability": "IMMUTABLE", "forceDelete": True},
            change=lambda s: {"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": True}},
            replace={"name": "another"},
        ),
        Case(
            token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
            name="lifecycle",
            tagged=False,
            inputs=lambda s: {"repository": s["repository"]["name"], "policy": lifecycle(5)},
            change=lambda s: {"policy": lifecycle(6)},
            replace={"repository": "another"},
        ),
        Case(
            token="aws:ecs/cluster:Cluster",
            name="cluster",
            inputs=lambda s: {"name": "contract", "settings": [{"name": "containerInsights", "value": "disabled"}]},
            change=lambda s: {"settings": [{"name": "containerInsights", "value": "enabled"}]},
            replace={"name": "another"},
            import_id=lambda state: str(state["name"]),
        ),
        Case(
            token="aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
            name="providers",
            tagged=False,
            inputs=lambda s: {"clusterName": s["cluster"]["name"], "capacityProviders": ["FARGATE"]},
            change=lambda s: {"capacityProviders": ["FARGATE_SPOT", "FARGATE"]},
            replace={"clusterName": "another"},
        ),
        Case(
            token="aws:ecs/taskDefinition:TaskDefinition",
            name="task",
            inputs=lambda s: {
                "family": "contract",
                "cpu": "256",
                "memory": "512",
                "networkMode": "awsvpc",
                "requiresCompatibilities": ["FARGATE"],
                "executionRoleArn": s["role"]["arn"],
                "containerDefinitions": _containers("contract:1"),
            },
            replace={"containerDefinitions": _containers("contract:2")},
            import_id=lambda state: str(state["arn"]),
        ),
        Case(
            token="aws:ecs/service:Service",
            name="service",
            inputs=_service,
            change=lambda s: {
                "healthCheckGracePeriodSeconds": 20,
                "deploymentMinimumHealthyPercent": 50,
                "deploymentCircuitBreaker": {"enable": True, "rollback": False},
                "waitForSteadyState": True,
            },
            replace={"launchType": "EC2"},
            import_id=lambda state: f"contract/{state['name']}",
        ),
        Case(
            token="aws:appautoscaling/target:Target",
            name="scaled",
            inputs=lambda s: {**_SCALED, "minCapacity": 1, "maxCapacity": 3},
            change=lambda s: {"maxCapacity": 4},
            replace={"resourceId": "service/contract/another"},
            import_id=lambda state: _SCALED_ID,
        ),
        Case(
            token="aws:appautoscaling/policy:Policy",
            name="tracking",
            tagged=False,
            inputs=lambda s: {
                **_SCALED,
                "policyType": "TargetTrackingScaling",
                "targetTrackingScalingPolicyConfiguration": _tracking(50),
            },
            change=lambda s: {"targetTrackingScalingPolicyConfiguration": _tracking(60.5)},
            replace={"name": "another"},
            import_id=lambda state: f"{_SCALED_ID}/{state['name']}",
        ),
        Case(
            token="aws:cloudwatch/logGroup:LogGroup",
            name="log",
            inputs=lambda s: {"name": "/contract/log", "retentionInDays": 7},
            change=lambda s: {"retentionInDays": 30},
            replace={"name": "/another"},
        ),
        Case(
            token="aws:cloudwatch/metricAlarm:MetricAlarm",
            name="alarm",
            inputs=lambda s: {
                "name": "contract",
                "comparisonOperator": "GreaterThanThreshold",
                "evaluationPeriods": 2,
                "metricName": "HTTPCode_Target_5XX_Count",
                "namespace": "AWS/ApplicationELB",
                "period": 60,
                "statistic": "Sum",
                "threshold": 5,
                "dimensions": {"LoadBalancer": s["balancer"]["arnSuffix"]},
            },
            change=lambda s: {"threshold": 5.5, "treatMissingData": "notBreaching"},
            replace={"name": "another"},
        ),
        Case(
            token="aws:cloudwatch/dashboard:Dashboard",
            name="dashboard",
            tagged=False,
            inputs=lambda s: {"dashboardName": "contract", "dashboardBody": json.dumps({"widgets": []})},
            change=lambda s: {"dashboardBody": json.dumps({"widgets": [], "start": "-PT1H"})},
            replace={"dashboardName": "another"},
        ),
        Case(
            token="aws:ssm/parameter:Parameter",
            name="plain",
            inputs=lambda s: {"name": "/contract/plain", "type": "String", "value": "hello"},
            change=lambda s: {"value": "good bye", "description": "a greeting"},
            replace={"name": "/another"},
        ),
        Case(
            token="aws:dynamodb/table:Table",
            name="releases",
            inputs=lambda s: {
                "name": "contract",
                "billingMode": "PAY_PER_REQUEST",
                "hashKey": "id",
                "attributes": [{"name": "id", "type": "S"}],
            },
            change=lambda s: {
                "pointInTimeRecovery": {"enabled": True},
                "ttl": {"attributeName": "until", "enabled": True},
            },
            replace={"hashKey": "another", "attributes": [{"name": "another", "type": "S"}]},
        ),
    ]


CASES: list[Case] = [*_network(), *_balancer(), *_identity(), *_containers_and_rest(), *HOSTS, *STORAGE, *PIPELINES]


def tags(state: Object) -> Any:
    return state.get("tagsAll")
