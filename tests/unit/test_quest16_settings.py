"""Quest 16's settings: what cannot be meant is one sentence with key and file."""

import json
from typing import Any

import pytest

from stacks.config_reader import ConfigError, stack_section
from stacks.quest16_settings import Quest16Settings, read

SOURCE = {"repository": "https://github.com/your-org/monorepo"}
SITE = {"name": "site", "target": "site"}
FTP = {"name": "a", "target": "ftp"}
OUTSIDE = {"name": "a", "target": "site", "path": "../x"}


def settings(**values: Any) -> Quest16Settings:
    config = {f"infra-release:{key}": json.dumps(value) for key, value in values.items()}
    return read("test", stack_section(config, [], "infra-release", "quest16.test", Quest16Settings))


def test_defaults_are_the_documents() -> None:
    found = settings(source=SOURCE)
    assert found.source is not None and found.source.branch == "main"
    assert found.machine.compute_type == "BUILD_GENERAL1_SMALL"
    assert [(one.name, one.path, one.output) for one in found.packages] == [("site", "packages/site", "dist")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "source in .*quest16.test.yaml and promotes: exactly one of them must be set"),
        ({"source": SOURCE, "promotes": {"bucket": "abc"}}, "exactly one of them must be set"),
        ({"source": {"repository": "monorepo"}}, "source.repository .* must be the address of a repository"),
        ({"source": SOURCE, "packages": [SITE, SITE]}, "names a package twice: site, site"),
        (
            {"source": SOURCE, "packages": [{"name": "a", "target": "ftp"}]},
            r"packages\[0\].target .* is ftp, but must be",
        ),
        (
            {"source": SOURCE, "packages": [{"name": "a", "target": "site", "path": "../x"}]},
            "below the repository's root",
        ),
        ({"source": SOURCE, "packages": [{"target": "site"}]}, r"packages\[0\].name .* is missing"),
        ({"source": SOURCE, "site": {"viewerProtocol": "ftp"}}, "site.viewerProtocol .* must be one of"),
        ({"source": SOURCE, "site": {"domain": "a.example.com"}}, "belong together: set both or none"),
        ({"source": SOURCE, "sources": {}}, "did you mean source"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(**values)
