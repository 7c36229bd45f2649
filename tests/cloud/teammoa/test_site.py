"""What users find: HTTPS with a certificate, HTTP sent there, and sessions that stay where they began."""

import requests

from tests.cloud.teammoa.fleet import Fleet


def test_http_is_sent_to_https_whose_certificate_is_checked(released: Fleet) -> None:
    plain = requests.get(released.url.replace("https://", "http://"), timeout=10, allow_redirects=False)
    assert plain.status_code == 301 and plain.headers["Location"].startswith("https://")
    answer = requests.get(f"{released.url}/health/", timeout=10, verify=released.authorities)
    assert answer.status_code == 200, answer.text


def test_a_session_stays_on_its_host_and_new_users_are_spread(released: Fleet) -> None:
    seen = set()
    for _ in range(6):
        with requests.Session() as user:
            answers = [user.get(f"{released.url}/session/", timeout=10, verify=released.authorities) for _ in range(5)]
            places = {answer.json()["instance"] for answer in answers}
        assert len(places) == 1, places
        seen |= places
    assert len(seen) == 2, seen
