"""The Pulumi CLI with its language host, and the workflow checker: taken from PATH, or built from their Go modules."""

import json
import os
import re
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from localcloud.up.job import Job, StepFailed
from localcloud.up.paths import BIN, LOCAL, TOOLCHAIN

VERSION = "v3.250.0"
OLDEST = (3, 200)
SDK = "github.com/pulumi/pulumi/sdk/v3"
CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
LANGUAGE_HOST = f"{SDK}/python/cmd/pulumi-language-python"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint"
PEBBLE = "github.com/letsencrypt/pebble/v2/cmd"
PEBBLE_PROGRAMS = ("pebble", "pebble-challtestsrv")  # an authority for tests, and names for it
COMPOSE = "github.com/docker/compose/v2"
COMPOSE_VERSION = "v2.40.3"
COMPOSE_PROGRAM = BIN / "docker-compose"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
PULUMI_STAMP = f"{SDK}/go/common/version.Version={VERSION}"
PLUGIN_SITE = "https://get.pulumi.com/"  # where the CLI fetches plugins
PLUGINS = {"aws": "7.51.1", "command": "1.2.1"}
STAND_INS = LOCAL / "stand-ins"  # its presence says that the real plugins could not be had


def pulumi_on_path() -> bool:
    """Whether a new enough `pulumi`, not built here, is on PATH with its language host."""
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != BIN)
    found = shutil.which("pulumi", path=path)
    if found is None:
        return False
    beside = f"{Path(found).resolve().parent}{os.pathsep}{path}"
    return _version(found) >= OLDEST and shutil.which("pulumi-language-python", path=beside) is not None


def cli_ready() -> bool:
    """Whether the CLI is there, in the version wanted here when it was built here."""
    built = BIN / "pulumi"
    return (built.exists() and _version(str(built)) == _numbers(VERSION)) or pulumi_on_path()


def host_ready() -> bool:
    """Whether the CLI will find its Python language host."""
    names = ("pulumi-language-python", *(Path(script).name for script in SCRIPTS))
    return all((BIN / name).exists() for name in names) or pulumi_on_path()


def build_cli(job: Job) -> None:
    """Build the CLI; about 3 minutes on 2 cores."""
    job.say(f"building the Pulumi CLI {VERSION} from its Go module, which takes minutes")
    build(job, CLI, TOOLCHAIN, stamp=PULUMI_STAMP)


def build_host(job: Job) -> None:
    """Build the language host and put the SDK's scripts next to it."""
    job.say("building the Python language host")
    build(job, LANGUAGE_HOST, TOOLCHAIN / "language-host", stamp=PULUMI_STAMP)
    answer = job.run(
        go(), "mod", "download", "-json", SDK, cwd=TOOLCHAIN, failure="the Go module proxy does not give the Pulumi SDK"
    )
    sources = Path(json.loads(answer)["Dir"])
    for script in SCRIPTS:
        _place(sources / script, BIN / Path(script).name)


def actionlint_ready() -> bool:
    """Whether the checker of workflow files is there."""
    return (BIN / "actionlint").exists() or shutil.which("actionlint") is not None


def build_actionlint(job: Job) -> None:
    """Build the checker of workflow files."""
    job.say("building actionlint")
    build(job, ACTIONLINT, TOOLCHAIN / "actionlint")


def pebble_ready() -> bool:
    """Whether an authority for tests is there."""
    return all((BIN / name).exists() or shutil.which(name) for name in PEBBLE_PROGRAMS)


def build_pebble(job: Job) -> None:
    """Build the authority that tests ask for certificates."""
    job.say("building Pebble, an authority for tests")
    for name in PEBBLE_PROGRAMS:
        build(job, f"{PEBBLE}/{name}", TOOLCHAIN / "pebble")


def compose_ready() -> bool:
    """Whether Docker's compose plugin for the machines is there."""
    if not COMPOSE_PROGRAM.exists():
        return False
    done = subprocess.run([COMPOSE_PROGRAM, "version", "--short"], capture_output=True, text=True, timeout=20)
    return done.stdout.strip() == COMPOSE_VERSION.removeprefix("v")


def build_compose(job: Job) -> None:
    """Build Docker's compose plugin, without libraries of this machine: it runs inside others."""
    job.say(f"building docker compose {COMPOSE_VERSION}")
    stamp = f"{COMPOSE}/internal.Version={COMPOSE_VERSION}"
    build(job, f"{COMPOSE}/cmd", TOOLCHAIN / "compose", stamp=stamp, target=COMPOSE_PROGRAM)


def plugins_ready() -> bool:
    """Whether it is settled which provider plugins are used."""
    return real_plugins() or STAND_INS.exists()


def real_plugins() -> bool:
    """Whether the real provider plugins are installed."""
    return all(plugin_installed(name, version) for name, version in PLUGINS.items())


def fetch_plugins(job: Job) -> None:
    """Fetch the real provider plugins; where their site cannot be reached, settle on the stand-ins."""
    if site_reachable():
        job.say("fetching the provider plugins")
        for name, version in PLUGINS.items():
            if not install_plugin(job, name, version):
                break
    if not real_plugins():
        job.say("the real provider plugins cannot be had: using the stand-ins")
        STAND_INS.touch()


def install_plugin(job: Job, name: str, version: str) -> bool:
    """Have the CLI fetch a plugin; whether it could."""
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PULUMI_SKIP_UPDATE_CHECK": "1"}
    command = ("pulumi", "plugin", "install", "resource", name, version)
    return job.attempt(*command, env=environment, seconds=300)[0] == 0


def plugin_installed(name: str, version: str) -> bool:
    """Whether the CLI has this plugin."""
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    return (home / "plugins" / f"resource-{name}-v{version}").is_dir()


def find_go() -> str | None:
    """The Go compiler, on PATH or where its own installer puts it."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")


def go() -> str:
    """The Go compiler; StepFailed when there is none."""
    found = find_go()
    if found is None:
        raise StepFailed("Go is not installed: install Go 1.25 or newer, or a pulumi of at least 3.200")
    return found


def build(job: Job, package: str, module: Path, *, stamp: str = "", target: Path | None = None) -> None:
    """Build one program of a pinned module, its version stamped in; it appears only when it is complete."""
    BIN.mkdir(parents=True, exist_ok=True)
    target = target or BIN / package.rpartition("/")[2]
    fresh = target.with_name(f".{target.name}.new")
    flags = f"-s -w -X {stamp}" if stamp else "-s -w"
    job.run(
        *(go(), "build", "-buildvcs=false", "-ldflags", flags, "-o", str(fresh), package),
        cwd=module,
        env={"GOWORK": "off", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"},
        failure=f"{target.name} cannot be built from its Go module",
    )
    fresh.replace(target)


def _place(source: Path, target: Path) -> None:
    fresh = target.with_name(f".{target.name}.new")
    fresh.unlink(missing_ok=True)
    shutil.copyfile(source, fresh)
    fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    fresh.replace(target)


def _version(program: str) -> tuple[int, ...]:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=20, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _numbers(done.stdout.strip())


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()


def site_reachable() -> bool:
    """Whether the plugins' site answers within three seconds."""
    try:
        with urllib.request.urlopen(urllib.request.Request(PLUGIN_SITE, method="HEAD"), timeout=3):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 404  # it is there, it only has no front page
    except OSError:
        return False
