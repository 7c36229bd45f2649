"""A strict double of the engine: it knows the program's resource types and no other, and records what it is told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import Stack
from pulumi.runtime.sync_await import _ensure_event_loop

ACCOUNT = "123456789012"
DIGEST = "sha256:" + "1" * 64


def _arn(pattern: str, key: str = "name") -> Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
    """A resource whose id is its name and whose ARN follows the pattern."""

    def made(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        physical = str(inputs.get(key, name))
        return physical, {"arn": f"arn:aws:{pattern.format(account=ACCOUNT, name=physical)}"}

    return made


def _id(prefix: str) -> Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]:
    return lambda name, _inputs: (f"{prefix}-{name}", {})


def _balancer(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    suffix = f"app/{inputs['name']}/1"
    arn = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/{suffix}"
    return arn, {"arn": arn, "arnSuffix": suffix, "dnsName": "balancer.example"}


def _target_group(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    suffix = f"targetgroup/{inputs['name']}/1"
    arn = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:{suffix}"
    return arn, {"arn": arn, "arnSuffix": suffix}


def _command(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A release answers with its proof; any other command says that it is done."""
    if "RUN" in inputs["environment"]:
        return name, {
            "stdout": json.dumps({"table": "t", "picture": "p.svg", "checks": {"health": "ok"}}),
            "stderr": "",
        }
    image = inputs["environment"].get("IMAGE")
    said = {"image_tag": image.rsplit(":", 1)[1], "digest": DIGEST} if image else {"done": True}
    return name, {"stdout": json.dumps(said), "stderr": ""}


def _bucket(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    bucket = str(inputs.get("bucket", name))
    domain = f"{bucket}.s3.us-east-1.amazonaws.com"
    return bucket, {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}", "bucketRegionalDomainName": domain}


def _distribution(name: str, _inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{name}"
    return name, {"arn": arn, "domainName": f"{name}.cloudfront.example"}


def _instance(name: str, _inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    number = sum(name.encode()) % 250
    return f"i-{name}", {"publicIp": f"198.51.100.{number}", "privateIp": f"10.0.0.{number}"}


def _dynamic(name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a dynamic resource of a bake would tell; any other tells what it was told."""
    steps = [{"name": name, "began": 0.0, "ended": 1.0, "after": []}]
    if "recipe" in inputs:
        keys = {
            "login_key": "login",
            "login_public": "ssh-ed25519 L",
            "host_key": "host",
            "host_public": "ssh-ed25519 H",
        }
        found = {"cidr": "198.51.100.7/32", "network_id": "net-1", "pool": "public"}
        return f"{inputs['kind']}-1", {"run": f"{inputs['kind']}-1", "began": 0.0, "steps": steps, **keys, **found}
    if "server" in inputs:
        return "image-1", {"image": "image-1", "image_name": inputs["run"], "steps": steps}
    return f"dynamic-{name}", {"steps": steps}


KNOWN: dict[str, Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]] = {
    "pulumi:providers:aws": _id("provider"),
    "aws:appautoscaling/policy:Policy": _id("policy"),
    "aws:appautoscaling/target:Target": _id("target"),
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:cloudfront/originAccessControl:OriginAccessControl": _id("access"),
    "aws:cloudwatch/dashboard:Dashboard": _id("dashboard"),
    "aws:cloudwatch/eventRule:EventRule": lambda name, _inputs: (name, {"name": name}),
    "aws:cloudwatch/eventTarget:EventTarget": _id("target"),
    "aws:cloudwatch/logGroup:LogGroup": _arn("logs:us-east-1:{account}:log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _arn("cloudwatch:us-east-1:{account}:alarm:{name}"),
    "aws:codebuild/project:Project": _arn("codebuild:us-east-1:{account}:project/{name}"),
    "aws:codebuild/webhook:Webhook": _id("webhook"),
    "aws:codepipeline/pipeline:Pipeline": _arn("codepipeline:us-east-1:{account}:{name}"),
    "aws:dynamodb/table:Table": _arn("dynamodb:us-east-1:{account}:table/{name}"),
    "aws:budgets/budget:Budget": _id("budget"),
    "aws:ec2/eip:Eip": lambda name, _inputs: (f"eipalloc-{name}", {"publicIp": "203.0.113.7"}),
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/internetGateway:InternetGateway": _id("igw"),
    "aws:ec2/route:Route": _id("route"),
    "aws:ec2/routeTable:RouteTable": _id("rtb"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _id("rtbassoc"),
    "aws:ec2/securityGroup:SecurityGroup": _id("sg"),
    "aws:ec2/subnet:Subnet": _id("subnet"),
    "aws:ec2/vpc:Vpc": _id("vpc"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _id("lifecycle"),
    "aws:ecr/repository:Repository": lambda name, inputs: (
        inputs["name"],
        {"repositoryUrl": f"registry.example/{inputs['name']}"},
    ),
    "aws:ecs/cluster:Cluster": _arn("ecs:us-east-1:{account}:cluster/{name}"),
    "aws:ecs/service:Service": _arn("ecs:us-east-1:{account}:service/{name}"),
    "aws:ecs/taskDefinition:TaskDefinition": _arn("ecs:us-east-1:{account}:task-definition/{name}:1", key="family"),
    "aws:iam/instanceProfile:InstanceProfile": _arn("iam::{account}:instance-profile/{name}"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _arn("iam::{account}:oidc-provider/{name}", key="url"),
    "aws:iam/role:Role": _arn("iam::{account}:role/{name}"),
    "aws:iam/rolePolicy:RolePolicy": _id("policy"),
    "aws:lb/listener:Listener": _id("listener"),
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _id("lifecycle"),
    "aws:s3/bucketObjectv2:BucketObjectv2": _id("object"),
    "aws:s3/bucketPolicy:BucketPolicy": _id("policy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _id("block"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _id("encryption"),
    "aws:s3/bucketVersioning:BucketVersioning": _id("versioning"),
    "aws:sns/topic:Topic": _arn("sns:us-east-1:{account}:{name}"),
    "aws:sns/topicPolicy:TopicPolicy": _id("policy"),
    "aws:sns/topicSubscription:TopicSubscription": _id("subscription"),
    "aws:ssm/parameter:Parameter": _id("parameter"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _id("sgr"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _id("sgr"),
    "command:local:Command": _command,
    "openstack:compute/instance:Instance": _id("server"),
    "openstack:compute/keypair:Keypair": lambda name, inputs: (inputs["name"], {}),
    "openstack:networking/floatingIp:FloatingIp": lambda name, _inputs: (f"fip-{name}", {"address": "203.0.113.9"}),
    "openstack:networking/port:Port": _id("port"),
    "openstack:networking/secGroup:SecGroup": _id("group"),
    "openstack:networking/secGroupRule:SecGroupRule": _id("rule"),
    "pulumi:providers:openstack": _id("provider"),
    "pulumi-python:dynamic:Resource": _dynamic,
}

LOOKED_UP: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "aws:acm/getCertificate:getCertificate": lambda asked: {
        "arn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/of-{asked['domain']}"
    },
    "aws:ssm/getParameter:getParameter": lambda _asked: {"insecureValue": "ami-0a1b"},
    "aws:ec2/getInstance:getInstance": lambda asked: {"publicIp": f"198.51.100.{len(asked['instanceId'])}"},
}


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the engine was told of it."""

    type: str
    name: str
    parent: str  # URN
    provider: str
    inputs: dict[str, Any]
    dependencies: frozenset[str]  # URNs
    ignored: tuple[str, ...]
    retained: bool  # stays when the stack goes


@dataclass
class Engine(pulumi.runtime.Mocks):
    """What the program said to the engine, and the engine's answers."""

    last_outputs: dict[str, Any] = field(default_factory=dict)  # of the stack itself, from an earlier update
    stack: str = "liveinsight.test"
    made: list[Registered] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # to a program's questions, by token

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ.startswith("infra-release:"):
            return "", {}
        if args.typ not in KNOWN:
            raise AssertionError(f"the program made a {args.typ}, which nobody knows")
        identity, outputs = KNOWN[args.typ](args.name, args.inputs)
        return identity, {**args.inputs, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the SDK takes both
        self.calls.append(args.token)
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "id": ACCOUNT, "userId": ACCOUNT}
        if args.token == "pulumi:pulumi:readStackOutputs":
            return {"outputs": self.last_outputs}
        if args.token in self.answers:
            return {**args.args, **self.answers[args.token]}
        if args.token in LOOKED_UP:
            return {**args.args, **LOOKED_UP[args.token](args.args)}
        raise AssertionError(f"the program called {args.token}, which nobody knows")

    def run(self, program: Callable[[], None]) -> "Engine":
        """Runs a program to its end, with everything it registered."""
        _ensure_event_loop()  # type: ignore[no-untyped-call]  # an earlier test may have left none; the SDK does the same before it waits
        monitor = _Monitor(self)
        pulumi.runtime.set_mocks(self, "infra-release", self.stack, monitor=monitor, organization="organization")
        set_root_resource(None)  # type: ignore[arg-type]  # that of an earlier run, which holds its exports

        @pulumi.runtime.test  # type: ignore[untyped-decorator]
        def whole() -> None:
            Stack(program)

        whole()
        return self

    def of(self, type_: str) -> list[Registered]:
        return [made for made in self.made if made.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registered:
        """The only resource of a type (and name)."""
        found = [made for made in self.of(type_) if name in (None, made.name)]
        assert len(found) == 1, f"{len(found)} of {type_} {name or ''}"
        return found[0]

    def names(self) -> set[tuple[str, str]]:
        return {(made.type, made.name) for made in self.made}


class _Monitor(MockMonitor):
    """Also keeps what the mocks are not told: parent, provider, dependencies, ignored changes."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = pulumi.runtime.rpc.deserialize_properties(request.object)
            self._engine.made.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    provider=request.provider,
                    inputs=dict(inputs),
                    dependencies=frozenset(request.dependencies),
                    ignored=tuple(request.ignoreChanges),
                    retained=request.retainOnDelete,
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "pulumi:pulumi:Stack::" in request.urn:
            self._engine.exports |= pulumi.runtime.rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]
