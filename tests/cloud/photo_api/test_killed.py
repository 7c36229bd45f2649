"""kill -9 of the engine at any step: the next `pulumi up` goes on and finishes, and `pulumi destroy` leaves nothing."""

import pytest

from actions.openstack.images import Images
from tests.cloud.photo_api.bakery import Bakery

STEPS = ("run", "key", "group", "port-22", "port", "address", "server", "wheels", "prepare", "build", "image")
CREATING = {step: f"bake-{step} creating" for step in STEPS}


def test_killed_again_and_again_the_next_up_goes_on_under_the_same_name(bakery: Bakery) -> None:
    for step in ("server", "build", "image"):
        bakery.kill_at(CREATING[step])
    names = {name for name in runs(bakery) if name}
    bakery.up()
    outputs = bakery.outputs()
    assert names <= {outputs["run"]}
    image = Images(bakery.world.cloud).find(outputs["imageId"])
    assert image is not None and image.status == "active"
    assert len(bakery.world.servers.named(outputs["run"])) == 1
    bakery.destroy()
    assert bakery.left() == set()


def runs(bakery: Bakery) -> set[str]:
    return {server.name for server in bakery.world.servers.all() if server.name.startswith("photo-api-bake-")} - {
        server.name for server in bakery.world.servers.all() if f"server {server.id}" in bakery.before
    }


@pytest.mark.thorough
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_destroy_leaves_nothing(bakery: Bakery, step: str) -> None:
    bakery.kill_at(CREATING[step])
    bakery.destroy()
    assert bakery.left() == set()


@pytest.mark.thorough
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_up_finishes(bakery: Bakery, step: str) -> None:
    bakery.kill_at(CREATING[step])
    bakery.up()
    bakery.destroy()
    assert bakery.left() == set()
