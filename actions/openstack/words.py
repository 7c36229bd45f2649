"""What a refusal of an OpenStack service says, and what to do about it where that is known."""

import requests

SHOWN = 300  # characters of what no service words as an error
ADVICE = {
    401: "the token was not accepted, twice",
    403: "the user may not, or a quota is used up",
    413: "a limit is reached",
    429: "the rate limit lasts",
}


def sentence(response: requests.Response) -> str:
    """Status, the service's own message, and advice."""
    advice = ADVICE.get(response.status_code)
    said = message(response)
    return f"{response.status_code} {said}{f' ({advice})' if advice else ''}"


def message(response: requests.Response) -> str:
    """Nova says {"forbidden": {"message": …}}, Neutron {"NeutronError": {…}}, Keystone {"error": {…}}; Glance HTML."""
    try:
        content = response.json()
    except ValueError:
        return " ".join(response.text.split())[:SHOWN] or str(response.reason)
    if isinstance(content, dict):
        for value in content.values():
            if isinstance(value, dict) and value.get("message"):
                return str(value["message"])
            if isinstance(value, str):
                return value
    return str(content)[:SHOWN]
