"""Configuration of a TeamMoa stack for tests, in the form the engine hands it over."""

from typing import Any

from stacks.config_reader import stack_section
from stacks.teammoa_settings import TeamMoaSettings, read
from tests.unit.liveinsight_config import config

NEEDED: dict[str, Any] = {
    "settings": {"DB_NAME": "teammoa_db", "DB_USER": "teammoa"},
    "secrets": {"DB_PASSWORD": "/TeamMoa/test/DB_PASSWORD", "SECRET_KEY": "/TeamMoa/test/SECRET_KEY"},
}


def settings(**values: Any) -> TeamMoaSettings:
    """What no default can know has a value, unless it is given."""
    given = config(**{**NEEDED, **values})
    return read("test", stack_section(given, (), "infra-release", "teammoa.test", TeamMoaSettings))
