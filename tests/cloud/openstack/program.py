"""A Pulumi program with one of each resource that a bake has; run by the tests of this directory."""

import os
from pathlib import Path

import pulumi
import pulumi_openstack as openstack

local = os.environ.get("LOCAL_DISK") == "yes"
name = os.environ["RUN"]
image = openstack.images.get_image(name="debian-12", most_recent=True)
flavor = openstack.compute.get_flavor(name="u2.small" if local else "m2.small")
network = openstack.networking.get_network(name="default")
marked = openstack.images.get_image_ids(properties={"bake_recipe": name})

key = openstack.compute.Keypair("key", name=name, public_key=Path("login.pub").read_text())
group = openstack.networking.SecGroup("group", name=name, description="temporary")
openstack.networking.SecGroupRule(
    "ssh",
    direction="ingress",
    ethertype="IPv4",
    protocol="tcp",
    port_range_min=22,
    port_range_max=22,
    remote_ip_prefix=os.environ.get("SOURCE", "127.0.0.1/32"),
    security_group_id=group.id,
)
port = openstack.networking.Port("port", name=name, network_id=network.id, security_group_ids=[group.id])
address = openstack.networking.FloatingIp("address", pool="public", port_id=port.id, description=name)
server = openstack.compute.Instance(
    "server",
    name=name,
    flavor_id=flavor.id,
    image_id=image.id if local else None,
    key_pair=key.name,
    networks=[openstack.compute.InstanceNetworkArgs(port=port.id)],
    block_devices=[
        openstack.compute.InstanceBlockDeviceArgs(
            uuid=image.id,
            source_type="image",
            destination_type="local" if local else "volume",
            volume_size=20,
            boot_index=0,
            delete_on_termination=True,
        )
    ],
    user_data=Path("user-data").read_text(),
    metadata={"bake_run": name},
)
pulumi.export("address", address.address)
pulumi.export("server", server.id)
pulumi.export("marked", marked.ids)
