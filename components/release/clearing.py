"""Before something is made under a run's name, whatever an interrupted `pulumi up` left under that name is removed.

What was being made when the engine was killed is in no state; it would be in the way of the next attempt.
"""

import asyncio
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from components.openstack_access import OpenStackAccess

if TYPE_CHECKING:
    import actions.openstack.clearing


SERVER = "server"
ROOT = str(Path(__file__).parents[2])


class Clearing:
    """One session of OpenStack for all hooks of a program."""

    def __init__(self, access: OpenStackAccess) -> None:
        self._access = access

    def before(self, kind: str, resource: str) -> pulumi.ResourceHookBinding:
        """For the resource of that name, of a kind as `actions.openstack.inventory` knows it."""

        async def clear(args: pulumi.ResourceHookArgs) -> None:
            inputs = args.new_inputs or {}
            run = str(inputs.get("name") or inputs.get("description"))
            await asyncio.to_thread(self._clear, kind, run)

        return pulumi.ResourceHookBinding(
            before_create=[pulumi.ResourceHook(f"clear-{resource}", clear)],
            on_error=[pulumi.ErrorHook(f"explain-{resource}", self._explain)] if kind == SERVER else [],
        )

    async def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        """The provider knows that a server is in ERROR, and Nova why. Nothing is tried again."""
        run = str((args.new_inputs or {}).get("name"))
        if reason := await asyncio.to_thread(self._actions.fault, run):
            pulumi.log.error(f"server {run} is in ERROR: {reason}")
        return False

    def _clear(self, kind: str, run: str) -> None:
        self._actions.clear(kind, run)

    @cached_property
    def _actions(self) -> "actions.openstack.clearing.Clearing":
        """Imported only where something is made; by then the program's directory is off the path again."""
        if ROOT not in sys.path:
            sys.path.append(ROOT)
        from actions.openstack.clearing import Clearing as Actions

        return Actions({**os.environ, **self._access.environment()})
