"""An application's settings and secrets, as its containers receive them from SSM Parameter Store."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import ssm

from components.naming import Names


@dataclass(frozen=True, kw_only=True)
class ConfigurationArgs:
    names: Names
    settings: Mapping[str, str]  # variable → value, kept by this stack
    found: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)  # variable → what is known when it is made
    secrets: Mapping[str, str]  # variable → name of a SecureString of somebody else; never read here


class Configuration(pulumi.ComponentResource):
    """Every setting is a parameter; settings and secrets alike reach a container by the parameter's name."""

    parameters: dict[str, str]  # variable → parameter name
    fingerprint: str  # changes with any setting's value, so that a changed setting is a release

    def __init__(self, name: str, args: ConfigurationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:configuration:Configuration", name, None, opts)
        for variable, value in {**args.settings, **args.found}.items():
            ssm.Parameter(
                f"{name}-{variable}",
                name=args.names.parameter(variable),
                type="String",
                insecure_value=value,  # shown in previews: a setting is no secret
                description=f"{variable} of {args.names.base}",
                opts=pulumi.ResourceOptions(parent=self),
            )
        kept = {variable: args.names.parameter(variable) for variable in (*args.settings, *args.found)}
        self.parameters = kept | dict(args.secrets)
        self.fingerprint = hashlib.sha256(json.dumps(args.settings, sort_keys=True).encode()).hexdigest()[:12]
        self.register_outputs({"parameters": self.parameters})
