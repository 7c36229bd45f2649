"""Which resources and condition keys a request is about, in the words of AWS's service authorization reference.

MiniStack names the resource of most requests. Those of these services it names otherwise than AWS does, or not at all,
and a policy that is right for AWS would then refuse, or one that is wrong would pass.
"""

import importlib
import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region


class Resources(str):
    """The first of several resources, each of which must be allowed."""

    rest: tuple[str, ...] = ()


def several(arns: list[str], otherwise: str) -> str:
    """One value for all of these resources; `otherwise` when there are none."""
    if not arns:
        return otherwise
    named = Resources(arns[0])
    named.rest = tuple(arns[1:])
    return named


def enforce_all(original: Callable[..., Any]) -> Callable[..., Any]:
    """`enforce` that asks for every resource of a request."""

    def enforce(key: str, action: str, service: str, region: str, resource_arn: str = "*", **kwargs: Any) -> Any:
        denied = original(key, action, service, region, resource_arn=str(resource_arn), **kwargs)
        for arn in getattr(resource_arn, "rest", ()):
            denied = denied or original(key, action, service, region, resource_arn=arn, **kwargs)
        return denied

    return enforce


def resource_arn(original: Callable[..., str]) -> Callable[..., str]:
    """`extract_resource_arn` with the services of this module."""

    def extract(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        name = _NAMERS.get(service)
        place = f"{region}:{account}"
        found = name(_action(headers, query, path), _data(headers, body, query), place) if name else None
        return found or original(service, method, path, headers, body, query, region, account)

    return extract


def condition_keys(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """`request_tag_context` with the keys of ECS and of CloudWatch's metrics."""

    def context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
        found = original(service, action, body, params)
        cluster = json_object(body).get("cluster") if service == "ecs" else None
        if cluster:
            name = str(cluster).rsplit("/", 1)[-1]
            account, region = get_account_id(), get_region()
            found = {**found, "ecs:cluster": f"arn:aws:ecs:{region}:{account}:cluster/{name}"}
        if action == "cloudwatch:PutMetricData" and (namespace := _metric_data(body).get("Namespace")):
            found = {**found, "cloudwatch:namespace": str(namespace)}
        return found

    return context


def _metric_data(body: bytes) -> dict[str, Any]:
    """A request of CloudWatch, which is JSON or CBOR; nothing where it is neither."""
    if found := json_object(body):
        return found
    cbor2 = importlib.import_module("cbor2")
    try:
        found = cbor2.loads(body)
    except (cbor2.CBORDecodeError, EOFError):
        return {}
    return found if isinstance(found, dict) else {}


def json_object(body: bytes) -> dict[str, Any]:
    """A JSON request body, or nothing."""
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _action(headers: Any, query: Any, path: str) -> str:
    target = str(headers.get("x-amz-target", ""))
    if target:
        return target.rsplit(".", 1)[-1]
    named = (query.get("Action") or [path.rsplit("/", 1)[-1]])[0]  # CloudWatch's protocol has it in the path
    return str(named)


def _data(headers: Any, body: bytes, query: Any) -> dict[str, Any]:
    if "cbor" in str(headers.get("content-type", "")):
        found = importlib.import_module("cbor2").loads(body) if body else {}
        return found if isinstance(found, dict) else {}
    return {**{key: values[0] for key, values in query.items() if values}, **json_object(body)}


# -- by service: action, request, "region:account" -> resource, or None for what MiniStack says ---


def _ecs(action: str, data: dict[str, Any], place: str) -> str | None:
    prefix = f"arn:aws:ecs:{place}:"
    cluster = _name(data.get("cluster") or "default")
    if action in ("TagResource", "UntagResource", "ListTagsForResource"):
        return str(data.get("resourceArn") or "*")
    if action == "RegisterTaskDefinition":
        return f"{prefix}task-definition/{data.get('family', '')}:*"
    if action in ("DeregisterTaskDefinition", "DescribeTaskDefinition", "ListTaskDefinitions", "ListTasks"):
        return "*"  # IAM knows no resource for them
    if action == "DescribeServiceRevisions":
        return several(list(data.get("serviceRevisionArns") or []), "*")
    if action in ("DescribeServiceDeployments", "StopServiceDeployment"):
        named = data.get("serviceDeploymentArns") or [data.get("serviceDeploymentArn") or "*"]
        return several(list(named), "*")
    if action in ("DescribeServices", "CreateService", "UpdateService", "DeleteService", "ListServiceDeployments"):
        services = data.get("services") or [data.get("serviceName") or data.get("service") or ""]
        return several([f"{prefix}service/{_service(str(name), cluster)}" for name in services], "*")
    if action in ("DescribeTasks", "StopTask"):
        tasks = data.get("tasks") or [data.get("task") or "*"]
        return several([f"{prefix}task/{cluster}/{_name(task)}" for task in tasks], "*")
    if action in ("DescribeClusters", "CreateCluster"):
        clusters = data.get("clusters") or [data.get("clusterName") or "default"]
        return several([f"{prefix}cluster/{_name(name)}" for name in clusters], "*")
    if action == "RunTask":
        family = str(data.get("taskDefinition", ""))
        return family if family.startswith("arn:") else f"{prefix}task-definition/{family}"
    return None


def _service(named: str, cluster: str) -> str:
    """cluster/service of a service's name or ARN, in which an old one leaves the cluster out."""
    parts = named.split("/")
    return f"{parts[-2]}/{parts[-1]}" if len(parts) > 2 else f"{cluster}/{parts[-1]}"


def _name(named: Any) -> str:
    return str(named).rsplit("/", 1)[-1]


def _logs(action: str, data: dict[str, Any], place: str) -> str | None:
    if action in ("TagResource", "UntagResource", "ListTagsForResource") or "logGroupIdentifier" in data:
        return None
    group, stream = data.get("logGroupName") or "", data.get("logStreamName") or ""
    return f"arn:aws:logs:{place}:log-group:{group}:log-stream:{stream}"


def _cloudwatch(action: str, data: dict[str, Any], place: str) -> str | None:
    if action in ("DescribeAlarms", "DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"):
        names = data.get("AlarmNames") or [value for key, value in data.items() if key.startswith("AlarmNames.member.")]
        prefix = f"arn:aws:cloudwatch:{place}:alarm:"
        return several([prefix + name for name in names], prefix + "*")
    if action in ("PutMetricAlarm", "SetAlarmState"):
        return f"arn:aws:cloudwatch:{place}:alarm:{data.get('AlarmName', '')}"
    return None


def _elb(action: str, data: dict[str, Any], place: str) -> str | None:
    if action.startswith("Describe"):
        return "*"  # no Describe action knows resources
    if data.get("RuleArn"):
        return str(data["RuleArn"])
    tagged = [value for key, value in data.items() if key.startswith("ResourceArns.member.")]
    return several(tagged, "*") if tagged else None


def _parameter(name: str, place: str) -> str:
    """A parameter's ARN; the public ones are of no account."""
    if name.startswith("arn:"):
        return name
    if name.startswith("/aws/service/"):
        place = f"{place.partition(':')[0]}:"
    return f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}"


def _ssm(action: str, data: dict[str, Any], place: str) -> str | None:
    if action == "GetParameter":
        return _parameter(str(data.get("Name", "")), place)
    if action in ("GetParameters", "DeleteParameters"):
        return several([_parameter(str(name), place) for name in data.get("Names") or []], "*")
    if action == "GetParametersByPath":
        return f"arn:aws:ssm:{place}:parameter/{str(data.get('Path', '')).strip('/')}"
    if action == "SendCommand":
        document = f"arn:aws:ssm:{place.partition(':')[0]}::document/{data.get('DocumentName', '')}"
        instances = [f"arn:aws:ec2:{place}:instance/{one}" for one in data.get("InstanceIds") or []]
        return several([document, *instances], "*")
    return None


def _ec2(action: str, data: dict[str, Any], place: str) -> str | None:
    return "*" if action.startswith("Describe") else None  # none of them knows resources


def _iam(action: str, data: dict[str, Any], place: str) -> str | None:
    if action == "SimulatePrincipalPolicy":
        return str(data.get("PolicySourceArn") or "*")
    return str(data["OpenIDConnectProviderArn"]) if data.get("OpenIDConnectProviderArn") else None


def _codebuild(action: str, data: dict[str, Any], place: str) -> str | None:
    """A build is its project's."""
    builds = data.get("ids") or ([data["id"]] if data.get("id") else [])
    names = {str(one).rpartition("build/")[2].partition(":")[0] for one in builds} or set(data.get("names") or [])
    found = [f"arn:aws:codebuild:{place}:project/{_name(name)}" for name in sorted(names)]
    return several(found, "*") if found else None


def _dynamodb(action: str, data: dict[str, Any], place: str) -> str | None:
    return str(data["ResourceArn"]) if data.get("ResourceArn") else None  # tags name their table by ARN


def _ecr(action: str, data: dict[str, Any], place: str) -> str | None:
    names = data.get("repositoryNames") or []
    if data.get("resourceArn"):
        return str(data["resourceArn"])
    return several([f"arn:aws:ecr:{place}:repository/{name}" for name in names], "*") if names else None


_NAMERS: dict[str, Callable[[str, dict[str, Any], str], str | None]] = {
    "ecs": _ecs,
    "ec2": _ec2,
    "ecr": _ecr,
    "logs": _logs,
    "monitoring": _cloudwatch,
    "elasticloadbalancing": _elb,
    "ssm": _ssm,
    "iam": _iam,
    "codebuild": _codebuild,
    "dynamodb": _dynamodb,
}
