"""The settings of a stack: read once from its configuration and checked before anything is declared.

The only reader of Pulumi's configuration.
"""

import re
from collections.abc import Callable

import pulumi
from pulumi.runtime import config as engine_config

from stacks import astrago_settings, liveinsight_settings, photo_api_settings, quest16_settings, teammoa_settings
from stacks.astrago_settings import AstragoSettings
from stacks.config_reader import ConfigError, Section, stack_section, suggestion
from stacks.liveinsight_settings import LiveInsightSettings
from stacks.photo_api_settings import PhotoApiSettings
from stacks.quest16_settings import Quest16Settings
from stacks.teammoa_settings import TeamMoaSettings

Settings = AstragoSettings | LiveInsightSettings | PhotoApiSettings | Quest16Settings | TeamMoaSettings
# A system is a row here, its module `stacks/<system>.py` with declare(settings), a dash being an underscore there, and
# its settings module.
SYSTEMS: dict[str, tuple[type, Callable[[str, Section], Settings]]] = {
    "astrago": (AstragoSettings, astrago_settings.read),
    "liveinsight": (LiveInsightSettings, liveinsight_settings.read),
    "photo-api": (PhotoApiSettings, photo_api_settings.read),
    "quest16": (Quest16Settings, quest16_settings.read),
    "teammoa": (TeamMoaSettings, teammoa_settings.read),
}


def split_stack_name(stack: str) -> tuple[str, str]:
    """The system and the environment of a stack name; `ConfigError` when the name is not made of both."""
    system, _, environment = stack.partition(".")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", environment):
        raise ConfigError(f"stack {stack!r} is not named <system>.<environment>, such as liveinsight.local")
    if system not in SYSTEMS:
        raise ConfigError(f"stack {stack!r} names an unknown system {system!r}{suggestion(system, SYSTEMS, 'systems')}")
    return system, environment


def module_of(system: str) -> str:
    """The module that declares a system."""
    return f"stacks.{system.replace('-', '_')}"


def load(system: str, environment: str) -> Settings:
    """The checked settings of a stack; `ConfigError` for the first that cannot be meant."""
    values = {**engine_config.get_config_env(), **engine_config.CONFIG.get()}
    secret_keys = [key for key in values if engine_config.is_config_secret(key)]
    settings, read = SYSTEMS[system]
    stack = f"{system}.{environment}"
    return read(environment, stack_section(values, secret_keys, pulumi.get_project(), stack, settings))
