"""What is in a cloud from its beginning: flavors, two networks, the default group, one image to boot."""

import ipaddress

from localcloud.openstack import flavors, images, networks, security
from localcloud.openstack.cloud import Cloud
from localcloud.openstack.computers import BASE
from localcloud.openstack.world import fixed_id

INNER, OUTER = "default", "public"
IMAGE = "debian-12"


def plant(cloud: Cloud) -> None:
    """Have it all; what is there stays as it is, only the flavors are always these."""
    world = cloud.world
    flavors.seed(world)
    if not world.of("networks"):
        inner = networks.add_network(world, INNER, fixed_id("network inner"))
        cidr = ipaddress.ip_network(cloud.computers.subnet)
        networks.add_subnet(world, inner, cidr, {"name": INNER}, fixed_id("subnet inner"))
        networks.add_network(world, OUTER, fixed_id("network outer"), external=True)
    if not world.of("groups"):
        security.add_group(world, "default", "Default security group")
    _plant_image(cloud)
    world.save()


def _plant_image(cloud: Cloud) -> None:
    """The public image; made anew, it has another id, as a provider's has."""
    world, (content, size) = cloud.world, cloud.computers.base()
    key = fixed_id(f"image {content}")
    if key in world.of("images"):
        return
    for old in [image for image in world.listed("images") if image.get("_disk") == BASE]:
        world.remove("images", old["id"])
    image = images.add(world, IMAGE, {"os_distro": "debian", "os_version": "12", "os_type": "linux"})
    world.remove("images", image["id"])
    image |= {"id": key, "status": "active", "visibility": "public", "size": size}
    image |= {"file": f"/v2/images/{key}/file", "self": f"/v2/images/{key}", "_disk": BASE, "protected": True}
    world.add("images", image)
