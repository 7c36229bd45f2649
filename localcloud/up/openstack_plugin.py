"""The provider plugin of OpenStack: the real one where its site can be reached, else assembled from its modules."""

import hashlib

from localcloud.up import toolchain
from localcloud.up.job import Job
from localcloud.up.paths import BIN, LOCAL, TOOLCHAIN

NAME = "openstack"
VERSION = "5.5.3"  # of the SDK package in requirements.txt
PROGRAM = BIN / "pulumi-resource-openstack"
STAMP = LOCAL / "openstack-plugin.stamp"
SOURCE = TOOLCHAIN / "openstack"


def ready() -> bool:
    """Whether a plugin of this very version is there."""
    return toolchain.plugin_installed(NAME, VERSION) or _built()


def fetch(job: Job) -> None:
    """Fetch the real plugin; where its site cannot be reached, build it from the modules it is made of."""
    if toolchain.site_reachable():
        job.say("fetching the openstack plugin")
        toolchain.install_plugin(job, NAME, VERSION)
    if not toolchain.plugin_installed(NAME, VERSION):
        job.say("building the openstack plugin from its Go modules, which takes minutes")
        toolchain.build(job, ".", SOURCE, stamp=f"main.version={VERSION}", target=PROGRAM)
        STAMP.write_text(_recipe())


def _built() -> bool:
    return PROGRAM.exists() and STAMP.exists() and STAMP.read_text() == _recipe()


def _recipe() -> str:
    """Changes with everything that decides the program."""
    content = b"".join(file.read_bytes() for file in sorted(SOURCE.iterdir()))
    return hashlib.sha256(VERSION.encode() + content).hexdigest()
