"""A stack is `<system>.<environment>`: its settings are read, then the system declares itself."""

import gc
from importlib import import_module

import pulumi

from components import slim_sdk
from stacks import settings
from stacks.config_reader import ConfigError

gc.disable()  # of a program that lives for a second, collecting takes a tenth
slim_sdk.install()
try:
    system, environment = settings.split_stack_name(pulumi.get_stack())
    import_module(settings.module_of(system)).declare(settings.load(system, environment))
except ConfigError as error:
    raise pulumi.RunError(str(error)) from None
