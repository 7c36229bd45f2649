"""Which images there are, asked while the program runs: they decide what is declared at all."""

import re

import pulumi
import pulumi_openstack as openstack

from stacks.config_reader import ConfigError
from stacks.last_release import outputs_of
from stacks.patience import asked_again
from stacks.photo_api_settings import PhotoApiSettings

ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
STACK = re.compile(r"photo-api\.base[a-z0-9-]*")
REASON = re.compile(r"(?:error occurred:\s*\*\s*|Invoke of [^:]*: |invocation of [^:]*: )", re.IGNORECASE)

BUSY = re.compile(r"but got (429|5\d\d)")  # answers after which the provider itself does not ask again
ATTEMPTS = 5
PAUSE_SECONDS = 1.0
KNOWN = {
    "but got 401": "the user, its tenant or the password in OS_PASSWORD is wrong",
    "[Password]": "OS_PASSWORD is not set; the API password comes from the environment of whoever runs `pulumi`",
    "Your query returned no results": "there is no active image of that name",
}


def base_image(settings: PhotoApiSettings, provider: openstack.Provider) -> str:
    """The id of the image that a bake starts from: said as id, as name, or as the stack that bakes it."""
    wanted = settings.base_image
    if ID.fullmatch(wanted):
        return wanted
    if STACK.fullmatch(wanted):
        image = outputs_of(wanted).get("imageId")
        if not image:
            raise ConfigError(f"baseImage is {wanted}, which has no image yet: bring it up first")
        return str(image)
    try:
        found = asked_again(
            lambda: openstack.images.get_image(name=wanted, most_recent=True, opts=_asking(provider)),
            *(BUSY, ATTEMPTS, PAUSE_SECONDS),
        )
    except Exception as error:  # the SDK raises no narrower one
        raise pulumi.RunError(f"OpenStack does not tell of the image {wanted}: {reason(error)}") from None
    return found.id


def verified_image(settings: PhotoApiSettings, recipe: str, provider: openstack.Provider) -> str | None:
    """The id of the newest active image of this recipe that passed its test."""
    try:
        found = asked_again(
            lambda: openstack.images.get_image_ids(
                properties={"bake_recipe": recipe, "bake_verified": "true"},
                owner=settings.tenant_id,  # nobody else's mark counts
                sort="created_at:desc",
                opts=_asking(provider),
            ),
            *(BUSY, ATTEMPTS, PAUSE_SECONDS),
        )
    except Exception as error:  # the SDK raises no narrower one
        raise pulumi.RunError(f"OpenStack does not tell which images there are: {reason(error)}") from None
    return found.ids[0] if found.ids else None


def reason(error: Exception) -> str:
    """What the provider says, without what the engine puts before it, and in plain words where that is known."""
    said = " ".join(REASON.split(str(error))[-1].split())
    return next((words for part, words in KNOWN.items() if part in said), said)


def _asking(provider: openstack.Provider) -> pulumi.InvokeOptions:
    return pulumi.InvokeOptions(provider=provider)
