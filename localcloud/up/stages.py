"""A `local` stack that stands for several: each is brought up after the one before, then all are destroyed in reverse.

What they leave in the cloud on purpose stays: an image that was tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import ENV_FILE, ROOT
from localcloud.up.release import Deployment
from localcloud.up.systems import system_of


@dataclass(kw_only=True)
class Stages(Deployment):
    """`stack` is the first of `parts`: what is set up for it is set up for all."""

    parts: tuple[str, ...]
    _outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def check(self) -> None:
        for stack in self.parts:
            Deployment(stack=stack).check()

    def release(self, job: Job) -> None:
        """Bring them up; whatever comes of it, destroy what was begun. StepFailed says everything that failed."""
        begun: list[Deployment] = []
        failures: list[str] = []
        try:
            for stack in self.parts:
                begun.append(self.beside(stack))
                begun[-1].select(job)
                begun[-1].release(job)
                self._outputs[stack] = begun[-1].outputs(job)
                if self._outputs[stack].get("reused"):
                    break  # what comes after has been done with it
        except StepFailed as failure:
            failures.append(str(failure))
        for part in reversed(begun):
            try:
                part.destroy(job)
            except StepFailed as failure:
                failures.append(str(failure))
        if failures:
            raise StepFailed("; ".join(failures))

    def next_words(self) -> str:
        commands = [f". {ENV_FILE.relative_to(ROOT)}", *(f"pulumi up --stack {stack}" for stack in self.parts)]
        return "; ".join(commands)

    def report(self) -> str:
        """Each part's summary and picture, and the image at last."""
        lines = []
        for outputs in self._outputs.values():
            lines += [str(outputs[name]) for name in ("summary", "picture") if outputs.get(name)]
        images = [str(outputs["imageId"]) for outputs in self._outputs.values() if outputs.get("imageId")]
        reused = any(outputs.get("reused") for outputs in self._outputs.values())
        found = f"image {images[-1]}" if images else "no image"
        return "\n".join([*lines, f"{found}, tested before: nothing was started" if reused else found])


def deployment_of(stack: str) -> Deployment:
    """The steps for this stack, or for those it stands for."""
    system, _, environment = stack.partition(".")
    stages = system_of(stack).stages if environment == "local" else ()
    if not stages:
        return Deployment(stack=stack)
    parts = tuple(f"{system}.{stage}" for stage in stages)
    return Stages(stack=parts[0], parts=parts)
