"""A server for the length of a run: key pair, group, port, address and root volume, all by the run's name.

A root volume's image stands in `block_devices` only: beside an `image_id` a later update would rebuild the server. A
local disk's image has to stand in both.
"""

import json
from collections.abc import Sequence

import pulumi
import pulumi_openstack as openstack

from components.release.bake_run import BakeRun
from components.release.clearing import Clearing

SSH_PORT = 22


class TemporaryServer(pulumi.ComponentResource):
    """Lets the runner in on the named ports, and its host key is known beforehand; its root volume goes with it."""

    address: pulumi.Output[str]  # floating IP
    server_id: pulumi.Output[str]
    ways: list[
        pulumi.Resource
    ]  # what whoever wants to reach it waits for; the server itself is known by the run's name

    def __init__(
        self,
        name: str,
        *,
        run: BakeRun,
        image: str,
        ports: Sequence[int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("infra-release:release:TemporaryServer", name, None, opts)
        self._name, self._run, self._clearing = name, run, Clearing(run.place.access)
        key = openstack.compute.Keypair(
            f"{name}-key", name=run.run, public_key=run.login_public, opts=self._options("key pair", f"{name}-key")
        )
        group = openstack.networking.SecGroup(
            f"{name}-group",
            name=run.run,
            description="A temporary server of infra-release, reached by its runner only",
            opts=self._options("security group", f"{name}-group"),
        )
        rules = [self._rule(group, port) for port in (SSH_PORT, *ports)]
        port = openstack.networking.Port(
            f"{name}-port",
            name=run.run,
            network_id=run.network_id,
            security_group_ids=[group.id],
            admin_state_up=True,
            opts=self._options("port", f"{name}-port"),
        )
        address = openstack.networking.FloatingIp(
            f"{name}-address",
            pool=run.pool,
            port_id=port.id,
            description=run.run,
            opts=self._options("floating IP", f"{name}-address", changes="description"),
        )
        server = self._server(image, key, port)
        self.address, self.server_id = address.address, server.id
        self.ways = [address, *rules]
        self.register_outputs({"address": self.address, "server_id": self.server_id})

    def _rule(self, group: openstack.networking.SecGroup, port: int) -> openstack.networking.SecGroupRule:
        return openstack.networking.SecGroupRule(
            f"{self._name}-port-{port}",
            security_group_id=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            port_range_min=port,
            port_range_max=port,
            remote_ip_prefix=self._run.cidr,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self._run.place.skip_cleanup),
        )

    def _server(
        self, image: str, key: openstack.compute.Keypair, port: openstack.networking.Port
    ) -> openstack.compute.Instance:
        place = self._run.place
        return openstack.compute.Instance(
            f"{self._name}-server",
            name=self._run.run,
            flavor_name=place.flavor,
            image_id=None if place.volume_gb else image,
            availability_zone=place.availability_zone,
            key_pair=key.name,
            networks=[openstack.compute.InstanceNetworkArgs(port=port.id)],
            block_devices=[
                openstack.compute.InstanceBlockDeviceArgs(
                    uuid=image,
                    source_type="image",
                    destination_type="volume" if place.volume_gb else "local",
                    volume_size=place.volume_gb,
                    boot_index=0,
                    delete_on_termination=True,
                )
            ],
            user_data=pulumi.Output.all(self._run.host_key, self._run.host_public).apply(
                lambda keys: user_data(keys[0], keys[1])
            ),
            metadata={"bake_run": self._run.run, "bake_keep": str(place.skip_cleanup).lower()},
            opts=self._options("server", f"{self._name}-server", ignored=["power_state"]),
        )

    def _options(
        self, kind: str, resource: str, *, changes: str = "name", ignored: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """Another run's name makes another resource, also where the API could rename it."""
        return pulumi.ResourceOptions(
            parent=self,
            hooks=self._clearing.before(kind, resource),
            replace_on_changes=[changes],
            ignore_changes=list(ignored),
            retain_on_delete=self._run.place.skip_cleanup,
        )


def user_data(host_key: str, host_public: str) -> str:
    """cloud-init's: the host key by which the server will be known, and nothing that takes time."""
    wanted = {
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_key, "ed25519_public": host_public},
        "ssh_pwauth": False,
        "package_update": False,
        "package_upgrade": False,
    }
    return f"#cloud-config\n{json.dumps(wanted)}\n"
