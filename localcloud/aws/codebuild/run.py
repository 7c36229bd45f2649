"""One build from SUBMITTED to COMPLETED, phase by phase as CodeBuild defines them."""

import io
import json
import shlex
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.codebuild import reporting
from localcloud.aws.codebuild.container import SOURCE, BuildContainer, ContainerError
from localcloud.aws.codebuild.spec import EMPTY, Buildspec, Phase, SpecError, parse
from localcloud.aws.git_hosting import GitError, Hosting
from localcloud.aws.sessions import RoleError, service_session

Record = dict[str, Any]


class PhaseFailed(Exception):
    """A phase ended badly: CodeBuild's status code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Run:
    """Works on the record that BatchGetBuilds shows; ends it with exactly one status."""

    def __init__(
        self, project: Record, build: Record, hosting: Hosting, cloud_id: str, port: int, source: bytes | None
    ) -> None:
        self._project, self._build, self._hosting, self._port = project, build, hosting, port
        self._given = source  # a pipeline's artifact, a zip
        self._container = BuildContainer("codebuild-" + build["id"].replace(":", "-"), cloud_id)
        self._emit: Callable[[str], None] = reporting.log_of(build)
        self._ended = threading.Event()
        self._why = ""  # STOPPED or TIMED_OUT, when somebody else ended it
        self._spec = EMPTY
        self._credentials: dict[str, str] = {}
        self.artifact: bytes | None = None

    def stop(self, status: str) -> None:
        """End it from outside; its container goes at once, as CodeBuild's does."""
        if not self._ended.is_set():
            self._why = self._why or status
            self._container.remove()

    def execute(self) -> str:
        """Run it to its end; the status."""
        timeout = threading.Timer(int(self._build["timeoutInMinutes"]) * 60, self.stop, ("TIMED_OUT",))
        timeout.daemon = True
        timeout.start()
        reporting.announce(self._build)
        status = "SUCCEEDED"
        try:
            status = self._phases()
        except PhaseFailed:
            status = "FAILED"
        except Exception as error:  # the build must end, whatever broke
            self._log(f"the local cloud failed: {type(error).__name__}: {error}")
            status = "FAULT"
        finally:
            timeout.cancel()
            self._container.remove()
            self._ended.set()
        return self._finish(self._why or status)

    def _phases(self) -> str:
        self._phase("QUEUED", lambda: None)
        self._phase("PROVISIONING", self._provision)
        self._phase("DOWNLOAD_SOURCE", self._download)
        failed = False
        for name in ("install", "pre_build", "build", "post_build"):
            phase = self._spec.phases[name]
            try:
                self._phase(name.upper(), lambda name=name, phase=phase: self._commands(name, phase))  # type: ignore[misc]
            except PhaseFailed:
                failed = not phase.continues or failed
                if phase.continues:
                    continue
                if self._why or phase.aborts or name in ("install", "pre_build"):
                    raise
        self._phase("UPLOAD_ARTIFACTS", self._upload)
        self._phase("FINALIZING", self._save_cache)
        return "FAILED" if failed else "SUCCEEDED"

    def _phase(self, name: str, work: Callable[[], None]) -> None:
        began = time.time()
        self._build["currentPhase"] = name
        record: Record = {"phaseType": name, "startTime": int(began)}
        self._build["phases"].append(record)
        self._log(f"Entering phase {name}")
        status, context = "SUCCEEDED", {"statusCode": "", "message": ""}
        try:
            if self._why:
                raise PhaseFailed(self._why, "the build was ended")
            work()
            if self._why:
                raise PhaseFailed(self._why, "the build was ended")
        except (PhaseFailed, SpecError, GitError, ContainerError, RoleError, ClientError, BotoCoreError) as error:
            failure = error if isinstance(error, PhaseFailed) else PhaseFailed(*_code(error))
            status = self._why or "FAILED"
            context = {"statusCode": failure.code, "message": failure.message}
            self._log(f"Phase context status code: {failure.code} Message: {failure.message}")
            raise failure from error
        finally:
            ended = time.time()
            record |= {"phaseStatus": status, "endTime": int(ended), "durationInSeconds": int(ended - began)}
            record["contexts"] = [context]
            self._log(f"Phase complete: {name} State: {status}")

    def _finish(self, status: str) -> str:
        now = int(time.time())
        self._build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
        self._build |= {"buildStatus": status, "currentPhase": "COMPLETED", "endTime": now, "buildComplete": True}
        reporting.measure(self._build)
        reporting.announce(self._build)
        return status

    def _log(self, text: str) -> None:
        self._emit(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {text}")

    # -- phases ---

    def _provision(self) -> None:
        name = f"AWSCodeBuild-{self._build['id'].rpartition(':')[2]}"
        self._credentials = service_session(self._build["serviceRole"], "codebuild.amazonaws.com", name)

    def _download(self) -> None:
        source = self._build["source"]
        archive, kind = self._given or b"", "zip"
        if source["type"] not in ("NO_SOURCE", "CODEPIPELINE"):
            commit = self._hosting.commit(source["location"], self._build["sourceVersion"] or "main")
            self._build["resolvedSourceVersion"] = commit
            archive, kind = self._hosting.archive(source["location"], commit), "tar"
        self._spec = self._read_spec(source, archive, kind)
        self._start()
        if archive:
            self._container.unpack(archive, SOURCE, kind=kind)
        self._restore_cache()

    def _read_spec(self, source: Record, archive: bytes, kind: str) -> Buildspec:
        text = source.get("buildspec") or "buildspec.yml"
        if "\n" not in text:  # the name of a file in the source
            found = _file_of(archive, kind, text)
            if found is None:
                raise PhaseFailed("YAML_FILE_ERROR", f"stat {SOURCE}/{text}: no such file or directory")
            text = found
        return parse(text)

    def _start(self) -> None:
        environment = self._build["environment"]
        self._container.start(
            environment["image"], self._environment(), privileged=bool(environment.get("privilegedMode"))
        )
        wanted = self._spec.phases["install"].runtimes.get("nodejs")
        if wanted:
            found = self._container.run_quietly("node --version 2>/dev/null || true").strip()
            if not found.startswith(f"v{wanted}."):
                raise PhaseFailed(
                    "CLIENT_ERROR", f"Unknown runtime version named '{wanted}' of nodejs; this image has {found}"
                )

    def _environment(self) -> dict[str, str]:
        """Variables in CodeBuild's order of precedence: the build's own, the project's, the buildspec's."""
        build, region = self._build, self._build["arn"].split(":")[3]
        values = dict(self._spec.variables)
        wanted = {name: ("PARAMETER_STORE", value) for name, value in self._spec.parameters.items()}
        for variable in build["environment"].get("environmentVariables") or []:
            wanted[variable["name"]] = (variable.get("type", "PLAINTEXT"), variable["value"])
        for name, (kind, value) in wanted.items():
            values[name] = self._parameter(value) if kind == "PARAMETER_STORE" else value
        return {
            **values,
            "CI": "true",
            "CODEBUILD_BUILD_ARN": build["arn"],
            "CODEBUILD_BUILD_ID": build["id"],
            "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
            "CODEBUILD_BUILD_SUCCEEDING": "1",
            "CODEBUILD_INITIATOR": build["initiator"],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
            "CODEBUILD_SOURCE_REPO_URL": build["source"].get("location", ""),
            "CODEBUILD_SOURCE_VERSION": build["sourceVersion"],
            "CODEBUILD_SRC_DIR": SOURCE,
            "CODEBUILD_START_TIME": str(build["startTime"] * 1000),
            "CODEBUILD_WEBHOOK_HEAD_REF": build.get("headRef", ""),
            "CODEBUILD_WEBHOOK_TRIGGER": build["sourceVersion"] if build.get("headRef") else "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ENDPOINT_URL": f"http://localhost:{self._port}",
            **self._credentials,
        }

    def _commands(self, name: str, phase: Phase) -> None:
        try:
            for command in phase.commands:
                self._command(command)
        finally:
            for command in () if self._why else phase.finally_:
                self._command(command)

    def _command(self, command: str) -> None:
        self._log(f"Running command {command}")
        code = self._container.execute(self._spec.shell, command, self._emit)
        if code != 0:
            self._container_fails()
            message = f"Error while executing command: {command}. Reason: exit status {code}"
            raise PhaseFailed(self._why or "COMMAND_EXECUTION_ERROR", message)

    def _container_fails(self) -> None:
        """The phases that still run are told that the build is lost."""
        if not self._why:
            self._container.run_quietly("echo 'export CODEBUILD_BUILD_SUCCEEDING=0' >> /codebuild/environment")

    def _upload(self) -> None:
        declared, wanted = self._build["artifacts"], self._spec.artifacts
        if declared.get("type", "NO_ARTIFACTS") == "NO_ARTIFACTS" or not wanted:
            return
        base = f"{SOURCE}/{wanted.get('base-directory', '')}".rstrip("/")
        listed = self._container.run_quietly(f"cd {base} 2>/dev/null && find . -type f -print0 || true").split("\0")
        names = [name[2:] for name in sorted(listed) if name]
        chosen = [name for name in names if any(_matches(name, pattern) for pattern in wanted["files"])]
        if not chosen:
            raise PhaseFailed("CLIENT_ERROR", f"no matching artifact paths found in {base}")
        self._log(f"Found {len(chosen)} file(s) in {base}")
        self.artifact = _zip(self._container.pack(base, chosen))
        if declared["type"] == "S3":
            key = "/".join(part for part in self._artifact_key(declared) if part)
            self._s3().put_object(Bucket=declared["location"], Key=key, Body=self.artifact)
            self._build["artifacts"] = {**declared, "location": f"arn:aws:s3:::{declared['location']}/{key}"}

    def _artifact_key(self, declared: Record) -> tuple[str, ...]:
        identity = self._build["id"].rpartition(":")[2] if declared.get("namespaceType") == "BUILD_ID" else ""
        return declared.get("path", "").strip("/"), identity, declared.get("name") or self._project["name"]

    # -- cache ---

    def _cache_place(self) -> tuple[str, str] | None:
        cache = self._build.get("cache") or {}
        if cache.get("type") != "S3" or not self._spec.cache_paths:
            return None
        bucket, _, prefix = cache["location"].partition("/")
        return bucket, "/".join(part for part in (prefix.strip("/"), f"{self._project['name']}.tar") if part)

    def _restore_cache(self) -> None:
        place = self._cache_place()
        if place is None:
            return
        try:
            content = self._s3().get_object(Bucket=place[0], Key=place[1])["Body"].read()
        except ClientError as error:
            self._log(f"Unable to download cache: {error.response['Error']['Code']}")
            return
        self._container.unpack(content, "/")
        self._log("Cache restored")

    def _save_cache(self) -> None:
        place = self._cache_place()
        if place is None:
            return
        roots = [path.split("*")[0].rstrip("/").lstrip("/") for path in self._spec.cache_paths]
        there = f'for root in {shlex.join(roots)}; do [ ! -e "$root" ] || echo "$root"; done'
        listed = self._container.run_quietly(f"cd / && {there}").split()
        if listed:
            self._s3().put_object(Bucket=place[0], Key=place[1], Body=self._container.pack("/", listed))

    # -- the cloud, as the build's role ---

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=self._build["arn"].split(":")[3],
            endpoint_url=f"http://localhost:{self._port}",
            aws_access_key_id=self._credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self._credentials["AWS_SESSION_TOKEN"],
        )

    def _s3(self) -> Any:
        return self._client("s3")

    def _parameter(self, name: str) -> str:
        return str(self._client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def _code(error: Exception) -> tuple[str, str]:
    """CodeBuild's status code and message of what went wrong."""
    if isinstance(error, SpecError):
        code, _, message = str(error).partition(": ")
        return code, message
    if isinstance(error, GitError):
        return "CLIENT_ERROR", str(error)
    if isinstance(error, RoleError):
        return "ACCESS_DENIED", f"CodeBuild is not authorized to perform: sts:AssumeRole on service role: {error}"
    return "CLIENT_ERROR", str(error)


def _file_of(archive: bytes, kind: str, name: str) -> str | None:
    try:
        if kind == "zip":
            return zipfile.ZipFile(io.BytesIO(archive)).read(name).decode()
        file = tarfile.open(fileobj=io.BytesIO(archive)).extractfile(name)
        return file.read().decode() if file else None
    except (KeyError, zipfile.BadZipFile):
        return None


def _matches(name: str, pattern: str) -> bool:
    return pattern in ("**/*", "**") or fnmatch(name, pattern.replace("**/*", "*"))


def _zip(tar: bytes) -> bytes:
    """The files of a tar as a zip with nothing in it that changes by itself: equal files, equal bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as files, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in sorted(files.getmembers(), key=lambda one: one.name):
            content = files.extractfile(member)
            if content is not None:
                target.writestr(zipfile.ZipInfo(member.name), content.read())
    return out.getvalue()


def shown(record: Record) -> Record:
    """A copy for an answer, without what only the runner knows."""
    return json.loads(json.dumps({key: value for key, value in record.items() if key != "headRef"}))  # type: ignore[no-any-return]
