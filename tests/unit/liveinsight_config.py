"""Configuration of a LiveInsight stack for tests, in the form the engine hands it over."""

import json
from typing import Any

from stacks.config_reader import stack_section
from stacks.liveinsight_settings import LiveInsightSettings, read

GITHUB = {"repository": "your-org/your-repository", "environment": "test"}


def config(**values: Any) -> dict[str, str]:
    """Scalars as text, maps and lists as JSON; `github` has a value unless it is given."""
    given = {"github": GITHUB, **values}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items() if value is not None
    }
    return {f"infra-release:{key}": text for key, text in texts.items()}


def settings(**values: Any) -> LiveInsightSettings:
    return read("test", stack_section(config(**values), (), "infra-release", "liveinsight.test", LiveInsightSettings))
