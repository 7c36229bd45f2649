"""Names within AWS's limits, tags, and the networks' parts."""

import re

import pytest

from components.naming import LONGEST_NAME, Names, default_tags
from components.network import subnet_cidrs

LONGEST = Names(base="L" * LONGEST_NAME, environment="production")


def test_the_names_are_the_documents() -> None:
    names = Names(base="LiveInsight", environment="prod")
    assert (names.cluster, names.service, names.balancer) == (
        "LiveInsight-cluster",
        "LiveInsight-service",
        "LiveInsight-alb",
    )
    assert (names.family, names.template_family, names.container) == ("LiveInsight", "LiveInsight-template", "app")
    assert (names.log_group, names.table) == ("/ecs/LiveInsight", "LiveInsight-releases")
    assert (names.release_role, names.preview_role) == ("LiveInsight-github-release", "LiveInsight-github-preview")
    assert (names.execution_role, names.task_role) == ("LiveInsight-execution", "LiveInsight-task")
    assert (names.target_group, names.parameter("DEBUG")) == ("LiveInsight-tg", "/LiveInsight/prod/DEBUG")


@pytest.mark.parametrize(
    ("name", "limit", "pattern"),
    [
        (LONGEST.balancer, 32, r"[A-Za-z0-9-]+"),
        (LONGEST.target_group, 32, r"[A-Za-z0-9-]+"),
        (LONGEST.release_role, 64, r"[\w+=,.@-]+"),
        (LONGEST.preview_role, 64, r"[\w+=,.@-]+"),
        (LONGEST.execution_role, 64, r"[\w+=,.@-]+"),
        (LONGEST.cluster, 255, r"[A-Za-z0-9_-]+"),
        (LONGEST.service, 255, r"[A-Za-z0-9_-]+"),
        (LONGEST.template_family, 255, r"[A-Za-z0-9_-]+"),
        (LONGEST.table, 255, r"[A-Za-z0-9_.-]+"),
        (LONGEST.dashboard, 255, r"[A-Za-z0-9_-]+"),
        (LONGEST.log_group, 512, r"[\w./#-]+"),
        (LONGEST.alarm("unhealthy-targets"), 255, r".+"),
        (LONGEST.parameter("V" * 255), 1011, r"/[\w./-]+"),
    ],
)
def test_the_longest_name_fits_everywhere(name: str, limit: int, pattern: str) -> None:
    assert len(name) <= limit and re.fullmatch(pattern, name)


def test_a_longer_name_is_refused() -> None:
    with pytest.raises(ValueError, match=f"must have 1 to {LONGEST_NAME} characters, has {LONGEST_NAME + 1}"):
        Names(base="L" * (LONGEST_NAME + 1), environment="prod")


def test_the_tags() -> None:
    assert default_tags("liveinsight", "prod") == {
        "Project": "infra-release",
        "System": "liveinsight",
        "Environment": "prod",
        "ManagedBy": "pulumi",
    }


@pytest.mark.parametrize(
    ("cidr", "parts"),
    [
        ("10.20.0.0/16", ["10.20.0.0/24", "10.20.1.0/24"]),
        ("10.20.0.0/24", ["10.20.0.0/27", "10.20.0.32/27"]),
        ("10.20.0.0/26", ["10.20.0.0/27", "10.20.0.32/27"]),
    ],
)
def test_subnets_are_parts_of_the_network(cidr: str, parts: list[str]) -> None:
    assert subnet_cidrs(cidr, 2) == parts
