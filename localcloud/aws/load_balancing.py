"""The ELBv2 API: MiniStack's records, with what it leaves out, and every change carried to the balancer."""

import asyncio
import logging
import socket
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import alb

from localcloud.aws.balancer import Balancer
from localcloud.aws.elb_wire import action_xml, condition_xml, parse_actions, parse_conditions
from localcloud.aws.home import CloudError
from localcloud.aws.model import attributes, forwards
from localcloud.aws.target_instances import address_of, asleep

log = logging.getLogger("localcloud.balancer")

Params = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

# Actions after which HAProxy has to know something new.
_STRUCTURAL = {
    "CreateListener",
    "ModifyListener",
    "DeleteListener",
    "ModifyListenerAttributes",
    "CreateRule",
    "ModifyRule",
    "DeleteRule",
    "SetRulePriorities",
    "DeleteLoadBalancer",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "DeleteTargetGroup",
}


def install(balancer: Balancer) -> None:
    """Put this API in place of MiniStack's functions."""
    api = LoadBalancing(balancer)
    alb._parse_actions = parse_actions(alb._parse_actions)
    alb._action_xml = action_xml(alb._action_xml)
    alb._parse_conditions = parse_conditions(alb._parse_conditions)
    alb._condition_xml = condition_xml(alb._condition_xml)
    actions = {
        "CreateLoadBalancer": api.create_load_balancer,
        "DeleteLoadBalancer": api.delete_load_balancer,
        "DeleteTargetGroup": api.delete_target_group,
        "CreateListener": api.create_listener,
        "ModifyListener": api.modify_listener,
        "CreateRule": api.create_rule,
        "RegisterTargets": api.register_targets,
        "DeregisterTargets": api.deregister_targets,
        "DescribeTargetHealth": api.describe_target_health,
    }
    alb._ACTION_MAP.update(actions)
    alb.set_targets_for_group = api.set_targets_for_group
    alb.handle_request = api.handle_request


class LoadBalancing:
    """Handlers for the actions that touch the balancer."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer
        self._handle = alb.handle_request
        self._one_change = asyncio.Lock()
        self._create_lb = alb._create_lb
        self._create_listener = alb._create_listener
        self._modify_listener = alb._modify_listener
        self._create_rule = alb._create_rule

    async def handle_request(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        """MiniStack's dispatcher; a structural change is answered when HAProxy has it."""
        if _action(body, query) not in _STRUCTURAL:
            return await self._handle(method, path, headers, body, query)
        async with self._one_change:
            return await self._change(method, path, headers, body, query)

    async def _change(self, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        """A change that is undone when HAProxy refuses it."""
        before = alb.get_state()
        response = await self._handle(method, path, headers, body, query)
        if response[0] != 200:
            return response
        _note_load_balancers()
        try:
            await asyncio.to_thread(self._balancer.sync)
        except CloudError as error:
            log.error("%s", error)
            alb.reset()
            alb._restore_state(before)
            return _error("InvalidConfigurationRequest", str(error))
        return response

    def create_load_balancer(self, params: Params) -> Response:
        kind = alb._p(params, "Type", "application")
        if kind != "application":
            return _error("ValidationError", f"The local cloud has application load balancers only, not type '{kind}'")
        before = set(alb._lbs.keys())
        response: Response = self._create_lb(params)
        for arn in set(alb._lbs.keys()) - before:
            taken = {record["DNSName"] for _, record in alb._lbs.all_items()}
            alb._lbs[arn]["DNSName"] = self._balancer.free_address(taken)
            shown = f"<LoadBalancers>{alb._lb_xml(alb._lbs[arn])}</LoadBalancers>"
            response = alb._xml(200, "CreateLoadBalancer", shown)
        return response

    def delete_load_balancer(self, params: Params) -> Response:
        arn = alb._p(params, "LoadBalancerArn")
        if attributes(alb._lb_attrs, arn).get("deletion_protection.enabled") == "true":
            message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            return _error("OperationNotPermitted", message)
        for listener in [key for key, value in alb._listeners.items() if value["LoadBalancerArn"] == arn]:
            alb._delete_listener({"ListenerArn": [listener]})
        return _response(alb._delete_lb(params))

    def delete_target_group(self, params: Params) -> Response:
        arn = alb._p(params, "TargetGroupArn")
        if (alb._tgs.get(arn) or {}).get("LoadBalancerArns"):
            return _error("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
        self._balancer.forget_group(arn)
        return _response(alb._delete_tg(params))

    def create_listener(self, params: Params) -> Response:
        load_balancer = alb._lbs.get(alb._p(params, "LoadBalancerArn"))
        port = int(alb._p(params, "Port", "80") or 80)
        if load_balancer is not None:
            for other in alb._listeners.values():
                if other["LoadBalancerArn"] == load_balancer["LoadBalancerArn"] and other["Port"] == port:
                    return _error("DuplicateListener", f"A listener already exists on this port: {port}")
            taken = _port_problem(load_balancer["DNSName"], port)
            if taken:
                return _error("ValidationError", taken)
        problem = _unsupported(params, "DefaultActions") or _unknown_groups(params, "DefaultActions")
        return _error(*problem) if problem else _response(self._create_listener(params))

    def modify_listener(self, params: Params) -> Response:
        problem = _unsupported(params, "DefaultActions") or _unknown_groups(params, "DefaultActions")
        return _error(*problem) if problem else _response(self._modify_listener(params))

    def create_rule(self, params: Params) -> Response:
        listener, priority = alb._p(params, "ListenerArn"), alb._p(params, "Priority", "1")
        if any(rule["ListenerArn"] == listener and rule["Priority"] == priority for rule in alb._rules.values()):
            return _error("PriorityInUse", f"Priority '{priority}' is currently in use")
        problem = _unsupported(params, "Actions") or _unknown_groups(params, "Actions")
        return _error(*problem) if problem else _response(self._create_rule(params))

    # -- targets ---

    def register_targets(self, params: Params) -> Response:
        arn = alb._p(params, "TargetGroupArn")
        group = alb._tgs.get(arn)
        if group is None:
            return _error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        chosen = []
        for target in alb._parse_targets_param(params):
            address = address_of(target["Id"])
            if address and asleep(target["Id"]):
                message = f"The following targets are not in a running state and cannot be registered: '{target['Id']}'"
                return _error("InvalidTarget", message)
            if address is None:
                return _error("InvalidTarget", f"The target '{target['Id']}' has no address in the local cloud")
            chosen.append((target["Id"], int(target.get("Port") or group["Port"]), address))
        try:
            for identifier, port, address in chosen:
                self._balancer.register(arn, identifier, port, address)
        except CloudError as error:
            return _error("InternalFailure", str(error), 500)
        return _response(alb._empty("RegisterTargets"))

    def deregister_targets(self, params: Params) -> Response:
        arn = alb._p(params, "TargetGroupArn")
        if arn not in alb._tgs:
            return _error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        for target in alb._parse_targets_param(params):
            for identifier, port in self._balancer.targets(arn):
                if identifier == target["Id"] and target.get("Port", port) == port:
                    self._balancer.deregister(arn, identifier, port)
        return _response(alb._empty("DeregisterTargets"))

    def set_targets_for_group(self, arn: str, targets: Any, previous_ids: Any = ()) -> bool:
        """MiniStack's hook for services of its own that place targets."""
        if arn not in alb._tgs:
            return False
        wanted = {(identifier, int(port)) for identifier, port in targets}
        for identifier, port in self._balancer.targets(arn):
            if identifier in set(previous_ids) and (identifier, port) not in wanted:
                self._balancer.deregister(arn, identifier, port)
        for identifier, port in wanted:
            self._balancer.register(arn, identifier, port)
        return True

    def describe_target_health(self, params: Params) -> Response:
        arn = alb._p(params, "TargetGroupArn")
        group = alb._tgs.get(arn)
        if group is None:
            return _error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        present = self._balancer.targets(arn)
        asked = alb._parse_targets_param(params)
        if asked:
            present = [(target["Id"], port) for target in asked for port in _ports(target, present, int(group["Port"]))]
        shown = "".join(self._health_xml(arn, group, identifier, port) for identifier, port in present)
        body = f"<TargetHealthDescriptions>{shown}</TargetHealthDescriptions>"
        return _response(alb._xml(200, "DescribeTargetHealth", body))

    def _health_xml(self, arn: str, group: Params, identifier: str, port: int) -> str:
        health = asleep(identifier) or self._balancer.state(arn, identifier, port)
        check_port = group.get("HealthCheckPort", "traffic-port")
        reason = f"<Reason>{health.reason}</Reason>" if health.reason else ""
        description = f"<Description>{escape(health.description)}</Description>" if health.description else ""
        return (
            f"<member><Target><Id>{escape(identifier)}</Id><Port>{port}</Port></Target>"
            f"<HealthCheckPort>{port if check_port == 'traffic-port' else check_port}</HealthCheckPort>"
            f"<TargetHealth><State>{health.state}</State>{reason}{description}</TargetHealth></member>"
        )


def _action(body: bytes, query: Any) -> str:
    from urllib.parse import parse_qs

    named = query.get("Action") or parse_qs(body.decode("utf-8", errors="replace")).get("Action") or [""]
    return str(named[0] if isinstance(named, list) else named)


def _response(response: Any) -> Response:
    status, headers, body = response
    return status, headers, body


def _error(code: str, message: str, status: int = 400) -> Response:
    return _response(alb._error(code, message, status))


def _ports(target: Params, present: list[tuple[str, int]], default: int) -> list[int]:
    if "Port" in target:
        return [int(target["Port"])]
    return [port for identifier, port in present if identifier == target["Id"]] or [default]


def _port_problem(address: str, port: int) -> str | None:
    """Why a listener cannot open its port; None when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            return f"Port {port} of the load balancer may not be opened by this user; choose one above 1023"
        except OSError:
            return f"Port {port} on {address} is taken by another program; end it or choose another listener port"
    return None


def _note_load_balancers() -> None:
    """Keep every group's LoadBalancerArns true, over default actions, rules and several groups."""
    used: dict[str, list[str]] = {}
    for rule in alb._rules.values():
        listener = alb._listeners.get(rule["ListenerArn"])
        for action in rule["Actions"] if listener else []:
            for arn, _ in forwards(action):
                owners = used.setdefault(arn, [])
                if listener["LoadBalancerArn"] not in owners:
                    owners.append(listener["LoadBalancerArn"])
    for arn, group in alb._tgs.items():
        group["LoadBalancerArns"] = used.get(arn, [])


def _unsupported(params: Params, prefix: str) -> tuple[str, str] | None:
    for action in alb._parse_actions(params, prefix):
        if action["Type"] not in ("forward", "redirect", "fixed-response"):
            return "InvalidConfigurationRequest", f"The local cloud's load balancers have no '{action['Type']}' action"
    return None


def _unknown_groups(params: Params, prefix: str) -> tuple[str, str] | None:
    for action in alb._parse_actions(params, prefix):
        for arn, _ in forwards(action):
            if arn not in alb._tgs:
                return "TargetGroupNotFound", f"Target groups '{arn}' not found"
    return None
