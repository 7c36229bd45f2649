"""The provider's configuration: what the stand-in understands, and a refusal of the rest."""

import json
from typing import Any

from ..values import UNKNOWN, Object

CONFIG: dict[str, type] = {
    "region": str,
    "defaultTags": dict,
    "allowedAccountIds": list,
    "accessKey": str,
    "secretKey": str,
    "token": str,
    "skipCredentialsValidation": bool,
    "skipMetadataApiCheck": bool,
    "skipRegionValidation": bool,
    "skipRequestingAccountId": bool,
}
_ENGINE = {"version", "pluginDownloadURL", "__internal"}


def read_config(values: Object) -> Object:
    """The configuration with its JSON strings read; the SDK sends everything but strings as JSON."""
    return {key: _read(key, value) for key, value in values.items() if key in CONFIG}


def _read(key: str, value: Any) -> Any:
    if isinstance(value, str) and CONFIG[key] is not str and value != UNKNOWN:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def config_problems(values: Object) -> list[tuple[str, str]]:
    """(property, what is wrong) of everything that cannot be used."""
    found = []
    for key, value in values.items():
        if key in _ENGINE:
            continue
        if key not in CONFIG:
            found.append(
                (key, f"the local cloud's aws plugin has no configuration '{key}'; it has {', '.join(CONFIG)}")
            )
            continue
        value = _read(key, value)
        if value != UNKNOWN and not isinstance(value, CONFIG[key]):
            found.append((key, f"aws:{key} wants {CONFIG[key].__name__}, got {type(value).__name__}"))
        elif key == "defaultTags" and isinstance(value, dict) and set(value) - {"tags", "__defaults"}:
            found.append((key, f"aws:defaultTags has only 'tags', got {', '.join(sorted(value))}"))
    return found
