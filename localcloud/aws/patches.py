"""The one place where MiniStack is changed: what is replaced, and by what.

Everything not named here (and in localcloud.aws.ecs and .ec2, which list their own) is MiniStack's. It is made for one
version, whose functions are known by name; with another the cloud refuses to start rather than go on half patched.
"""

import importlib.metadata
from dataclasses import dataclass
from typing import Any

from localcloud.aws.home import CloudError, Home, Identity
from localcloud.aws.listener import Application, Listener

MINISTACK_VERSION = "1.5.33"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The cloud's own parts that live as long as it does."""

    balancer: Any
    scheduler: Any
    listener: Listener  # where machines reach the cloud
    machines: Any
    firewall: Any

    def close(self) -> None:
        """End what runs on threads of its own."""
        self.machines.close()
        self.firewall.close()
        self.scheduler.close()
        self.balancer.close()


def install(home: Home, identity: Identity, port: int, cloud: Application) -> Parts:
    """Put the cloud's own parts in place, once and before requests are served."""
    found = importlib.metadata.version("ministack")
    if found != MINISTACK_VERSION:
        raise CloudError(f"The local cloud is made for ministack {MINISTACK_VERSION}, but {found} is installed.")
    import ministack.app

    from localcloud.aws import addresses, routes
    from localcloud.aws.application_autoscaling import ApplicationAutoScaling
    from localcloud.aws.registry import Registry

    _identity(identity)
    Registry(port).install()
    listener, machines, firewall = _ec2(identity, port, cloud, ministack.app.SERVICE_HANDLERS)
    routes.ROUTES[routes.PREFIX + "address"] = lambda body, headers: (200, addresses.gateway(port))
    balancer = _balancer(home, port)
    scheduler = _ecs(balancer)
    ministack.app.SERVICE_HANDLERS["ecs"] = _guarded(ministack.app.SERVICE_HANDLERS["ecs"])
    ApplicationAutoScaling().install(ministack.app.SERVICE_HANDLERS)
    _builds(home, identity, port, ministack.app.SERVICE_HANDLERS)
    return Parts(balancer=balancer, scheduler=scheduler, listener=listener, machines=machines, firewall=firewall)


def _identity(identity: Identity) -> None:
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import iam, sts

    from localcloud.aws import identity as own
    from localcloud.aws import resources

    iam_evaluator.is_root_access_key = own.is_root_access_key
    sts.is_root_access_key = own.is_root_access_key
    iam_actions.extract_resource_arn = resources.resource_arn(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = resources.condition_keys(iam_actions.request_tag_context)
    iam_evaluator.enforce = resources.enforce_all(iam_evaluator.enforce)
    iam_actions.access_denied_response = own.access_denied_response(iam_actions.access_denied_response)
    sts._web_identity_trust_denied = own.web_identity_refusal(sts._web_identity_trust_denied)
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = own.simulate_principal_policy
    own.create_administrator(identity)


def _builds(home: Home, identity: Identity, port: int, handlers: dict[str, Any]) -> None:
    from localcloud.aws import cloudfront, codebuild, metric_alarms, subscriptions
    from localcloud.aws.codepipeline import CodePipeline

    builds = codebuild.install(home, identity, port, handlers)
    CodePipeline(builds, port).install(handlers)
    cloudfront.install(port)
    metric_alarms.install()
    subscriptions.install()


def _guarded(handler: Any) -> Any:
    from localcloud.aws.identity import guard_ecs

    return guard_ecs(handler)


def _balancer(home: Home, port: int) -> Any:
    from localcloud.aws import load_balancing
    from localcloud.aws.authority import Authority
    from localcloud.aws.balancer import Balancer
    from localcloud.aws.certificates import Certificates

    certificates = Certificates(Authority(home.authority), port)
    certificates.install()
    balancer = Balancer(home, port, certificates)
    load_balancing.install(balancer)
    return balancer


def _ecs(balancer: Any) -> Any:
    from localcloud.aws import ecs

    return ecs.install(balancer)


def _ec2(identity: Identity, port: int, cloud: Application, handlers: Any) -> tuple[Listener, Any, Any]:
    from localcloud.aws import ec2
    from localcloud.aws.ec2.machine import Machines
    from localcloud.aws.ec2.metadata import MachinesApplication
    from localcloud.aws.ec2.network import Network

    listener = Listener(MachinesApplication(cloud), port)
    machines = Machines(Network(identity.cloud_id, port, listener.open), identity.cloud_id, port)
    return listener, machines, ec2.install(machines, handlers)
