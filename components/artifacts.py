"""Where builds leave what they made, and where they find the program that releases it."""

import ast
import base64
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_aws import s3

from components.bucket import PrivateBucket, PrivateBucketArgs

ROOT = Path(__file__).parents[1]
ENTRIES = ("actions.pack_release", "actions.deploy_packages")
BUILDS, CACHE, RELEASED, NOTES, TOOLS = "builds/", "cache/", "released/", "notes/", "tools/"
BUILD_DAYS = 90
CACHE_DAYS = 14
KEPT_DAYS = 90  # earlier releases, which production may still be asked for


@dataclass(frozen=True, kw_only=True)
class ArtifactsArgs:
    deletable: bool


class Artifacts(pulumi.ComponentResource):
    """A private bucket with the release program in it."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]
    tool: pulumi.Output[str]  # <bucket>/<key>

    def __init__(self, name: str, args: ArtifactsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra-release:artifacts:Artifacts", name, None, opts)
        expiring = ((BUILDS, BUILD_DAYS), (CACHE, CACHE_DAYS))
        bucket = PrivateBucket(
            f"{name}-artifacts",
            PrivateBucketArgs(deletable=args.deletable, kept_days=KEPT_DAYS, expiring=expiring),
            pulumi.ResourceOptions(parent=self),
        )
        sources = release_sources()
        digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
        tool = s3.BucketObjectv2(
            f"{name}-tool",
            bucket=bucket.name,
            key=f"{TOOLS}release-{digest[:12]}.zip",
            content_base64=base64.b64encode(packed(sources)).decode(),
            # The key names the sources; another machine's zlib may pack the same ones into other bytes.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["contentBase64"]),
        )
        self.bucket, self.arn = bucket.name, bucket.arn
        self.tool = pulumi.Output.concat(tool.bucket, "/", tool.key)
        self.register_outputs({"bucket": self.bucket, "tool": self.tool})


def release_sources() -> dict[str, str]:
    """What a build's release imports: path → source."""
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(_closure())}


def packed(sources: dict[str, str]) -> bytes:
    """A zip that Python can import from."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in sources.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _closure() -> set[Path]:
    """The entry points, the modules of `actions` they import, and the packages these lie in."""
    found: set[Path] = set()
    pending = [_file(name) for name in ENTRIES]
    while pending:
        path = pending.pop()
        if path is None or path in found:
            continue
        found |= {path, path.with_name("__init__.py")}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "actions":
                pending.append(_file(str(node.module)))
                pending += [_file(f"{node.module}.{alias.name}") for alias in node.names]
    return found


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.exists() else None
