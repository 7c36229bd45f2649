"""Nova: flavors and key pairs, the two that a server needs first."""

import base64
import hashlib
import re

from localcloud.openstack.model import Answer, Handler, Request, Thing, nova, shown
from localcloud.openstack.world import USER, World, fixed_id, now

# name → virtual CPUs, memory in MB, whether its root disk is the host's own (NHN's U2)
SIZES = {"m2.small": (1, 2048, False), "m2.medium": (2, 4096, False), "u2.small": (1, 2048, True)}
KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) ([A-Za-z0-9+/=]+)( .*)?\s*")


def seed(world: World) -> None:
    """The flavors of this cloud."""
    for name, (processors, memory, local) in SIZES.items():
        key = fixed_id(f"flavor {name}")
        flavor: Thing = {
            "id": key,
            "name": name,
            "vcpus": processors,
            "ram": memory,
            "disk": 20 if local else 0,
            "swap": "",
            "rxtx_factor": 1.0,
            "OS-FLV-DISABLED:disabled": False,
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "os-flavor-access:is_public": True,
            "links": [],
            "_local": local,
        }
        world.of("flavors")[key] = flavor


def list_flavors(request: Request) -> Answer:
    return Answer(body={"flavors": [shown(flavor) for flavor in request.cloud.world.listed("flavors")]})


def get_flavor(request: Request, key: str) -> Answer:
    flavor = request.cloud.world.get("flavors", key, nova(404, f"Flavor {key} could not be found."))
    return Answer(body={"flavor": shown(flavor)})


def get_extra_specs(request: Request, key: str) -> Answer:
    request.cloud.world.get("flavors", key, nova(404, f"Flavor {key} could not be found."))
    return Answer(body={"extra_specs": {}})


def create_keypair(request: Request) -> Answer:
    """POST /os-keypairs with a public key; making private ones is what this cloud does not do."""
    world, asked = request.cloud.world, request.part("keypair")
    name, key = str(asked.get("name", "")), str(asked.get("public_key") or "")
    if not re.fullmatch(r"[\w .@-]{1,255}", name):
        raise nova(400, "Keypair data is invalid: Keypair name contains unsafe characters")
    match = KEY.fullmatch(key)
    if not match:
        raise nova(400, "Keypair data is invalid: failed to generate fingerprint")
    if name in world.of("keypairs"):
        raise nova(409, f"Key pair '{name}' already exists.")
    if world.full("keypairs"):
        raise nova(403, "Quota exceeded, too many key pairs.")
    digest = hashlib.md5(base64.b64decode(match[2] + "=="), usedforsecurity=False).hexdigest()
    made: Thing = {"id": name, "name": name, "public_key": key, "user_id": USER, "type": "ssh", "created_at": now()}
    made["fingerprint"] = ":".join(digest[place : place + 2] for place in range(0, 32, 2))
    world.add("keypairs", made)
    return Answer(body={"keypair": made})


def list_keypairs(request: Request) -> Answer:
    return Answer(body={"keypairs": [{"keypair": found} for found in request.cloud.world.listed("keypairs")]})


def get_keypair(request: Request, name: str) -> Answer:
    found = request.cloud.world.get("keypairs", name, nova(404, f"Keypair {name} not found for user {USER}"))
    return Answer(body={"keypair": found | {"deleted": False, "deleted_at": None, "updated_at": None}})


def delete_keypair(request: Request, name: str) -> Answer:
    get_keypair(request, name)
    request.cloud.world.remove("keypairs", name)
    return Answer(status=202)


ROUTES: tuple[tuple[str, re.Pattern[str], Handler], ...] = (
    ("GET", re.compile(r"/flavors(?:/detail)?"), list_flavors),
    ("GET", re.compile(r"/flavors/([^/]+)/os-extra_specs"), get_extra_specs),
    ("GET", re.compile(r"/flavors/([^/]+)"), get_flavor),
    ("GET", re.compile(r"/os-keypairs"), list_keypairs),
    ("POST", re.compile(r"/os-keypairs"), create_keypair),
    ("GET", re.compile(r"/os-keypairs/([^/]+)"), get_keypair),
    ("DELETE", re.compile(r"/os-keypairs/([^/]+)"), delete_keypair),
)
