"""The base image of all containers here."""

from localcloud.up.debian import DebianImage

BASE = DebianImage(name="infra-release/base:bookworm", packages=("ca-certificates", "python3"))
