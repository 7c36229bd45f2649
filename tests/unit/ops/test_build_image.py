"""Which region an image's registry is in, what is said without an application, and how a version names an image."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ops import build_image
from ops.errors import OpsError

COMMIT = "c" * 40


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/app", "ap-northeast-2"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "cn-north-1"),
        ("localhost:4566/liveinsight-app", "eu-west-1"),
    ],
)
def test_region(address: str, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert build_image.region_of(address) == region


@pytest.mark.parametrize(("dockerfile", "tag"), [(False, ""), (True, COMMIT + "\n")])
def test_the_tag_is_told_only_where_there_is_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dockerfile: bool, tag: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: infra # the project\nstackConfigDir: 'stacks'\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.liveinsight.dev.yaml").write_text("config: {}\n")
    if dockerfile:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    assert build_image.main(["liveinsight.dev", "--commit", COMMIT, "--tell"]) == 0
    assert capsys.readouterr().out == tag
    assert build_image.main(["liveinsight.dev", "--commit", COMMIT, "--version", "v1.2.3", "--tell"]) == 0
    assert capsys.readouterr().out == (tag and "v1.2.3\n")
    for wrong in ("1.2.3", "v1.2", "v1.2.3 ", "v1.2.3/x"):
        with pytest.raises(OpsError, match=r"it has the form v1\.2\.3"):
            build_image.main(["liveinsight.dev", "--commit", COMMIT, "--version", wrong, "--tell"])


@pytest.fixture
def registry() -> tuple[Any, Stubber]:
    """A client of ECR whose answers the test gives in order; any other call fails."""
    ecr = boto3.client("ecr", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    stub = Stubber(ecr)
    stub.activate()
    asked = {"repositoryName": "app", "imageIds": [{"imageTag": COMMIT}]}
    stub.add_response("batch_get_image", {"images": [{"imageManifest": "{}"}]}, asked)
    return ecr, stub


def test_a_version_is_one_more_name_of_the_commits_image(registry: tuple[Any, Stubber]) -> None:
    ecr, stub = registry
    stub.add_response(
        "put_image", {"image": {}}, {"repositoryName": "app", "imageManifest": "{}", "imageTag": "v1.2.3"}
    )
    build_image.name_version("registry/app", COMMIT, "v1.2.3", ecr)
    stub.assert_no_pending_responses()


def test_a_version_is_never_moved(registry: tuple[Any, Stubber], capfd: pytest.CaptureFixture[str]) -> None:
    ecr, stub = registry
    stub.add_client_error("put_image", "ImageTagAlreadyExistsException")
    with pytest.raises(OpsError, match=r"v1\.2\.3 is the image of another commit: choose a new version"):
        build_image.name_version("registry/app", COMMIT, "v1.2.3", ecr)
    stub.add_response("batch_get_image", {"images": [{"imageManifest": "{}"}]})
    stub.add_client_error("put_image", "ImageAlreadyExistsException")
    build_image.name_version("registry/app", COMMIT, "v1.2.3", ecr)
    assert "already there" in capfd.readouterr().err
    stub.add_response("batch_get_image", {"images": []})
    with pytest.raises(OpsError, match=f"has no image of {COMMIT}"):
        build_image.name_version("registry/app", COMMIT, "v1.2.3", ecr)
