"""Which region an image's registry is in, and what is said without an application."""

from pathlib import Path

import pytest

from ops import build_image


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


@pytest.mark.parametrize(("dockerfile", "tag"), [(False, ""), (True, "c" * 40 + "\n")])
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
    assert build_image.main(["liveinsight.dev", "--commit", "c" * 40, "--tell"]) == 0
    assert capsys.readouterr().out == tag
