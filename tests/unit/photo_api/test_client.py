"""The HTTP session with OpenStack: both identities, an expired token, rate limits, server errors, lost answers."""

import pytest

from actions.errors import ReleaseError
from actions.openstack import credentials as credentials_module
from actions.openstack.client import Refused
from tests.unit.photo_api.openstack_server import PASSWORD, Answer, Scripted, connect, environment

SERVERS = "GET /compute/servers/1"
FOUND = Answer(body={"server": {"id": "1"}})


@pytest.mark.parametrize("version", ["v2.0", "v3"])
def test_both_identities_lead_to_the_services(cloud: Scripted, version: str) -> None:
    cloud.on(SERVERS, FOUND)
    cloud.on("GET /image/v2/images/1", FOUND)
    cloud.on("GET /network/v2.0/ports", FOUND)
    cloud.on("GET /volume/volumes/1", FOUND)
    session = connect(cloud, version)
    for service, path in (
        ("compute", "/servers/1"),
        ("image", "/images/1"),
        ("network", "/ports"),
        ("volume", "/volumes/1"),
    ):
        assert session.get(service, path) == FOUND.body
    assert cloud.tokens == 1 and session.token().project == "tenant-1"
    assert {asked.token for asked in cloud.asked[1:]} == {"token-1"}


def test_a_project_by_name_is_asked_for_with_its_domain(cloud: Scripted) -> None:
    connect(cloud, "v3", tenant_id="", project_name="photos").token()
    assert cloud.asked[0].body["auth"]["scope"] == {"project": {"name": "photos", "domain": {"name": "Default"}}}


def test_wrong_credentials_are_one_sentence_without_the_password(cloud: Scripted) -> None:
    with pytest.raises(ReleaseError, match=r"does not let baker of tenant-1 in: .* OS_PASSWORD is wrong") as refused:
        connect(cloud, password="wrong-one").token()
    assert "wrong-one" not in str(refused.value)


def test_a_token_that_expires_is_replaced_once(cloud: Scripted) -> None:
    cloud.on(SERVERS, Answer(status=401, body={"error": {"message": "expired"}}), FOUND)
    assert connect(cloud).get("compute", "/servers/1") == FOUND.body
    assert cloud.tokens == 2 and cloud.asked[-1].token == "token-2"
    cloud.on(SERVERS, Answer(status=401, body={"error": {"message": "never"}}))
    with pytest.raises(Refused, match=r"compute refused GET /servers/1: 401 never .the token was not accepted, twice"):
        connect(cloud).get("compute", "/servers/1")


def test_a_rate_limit_is_waited_for_also_where_something_is_made(cloud: Scripted) -> None:
    limited = Answer(status=429, headers={"Retry-After": "0"}, body={"overLimit": {"message": "slow down"}})
    cloud.on("POST /compute/servers", limited, limited, Answer(status=202, body={}))
    connect(cloud).post("compute", "/servers", {})
    assert len(cloud.requests("POST /compute/servers")) == 3


def test_server_errors_are_repeated_where_that_is_safe_and_nowhere_else(cloud: Scripted) -> None:
    cloud.on(SERVERS, Answer(status=503), Answer(status=502), Answer(cut=True), FOUND)
    assert connect(cloud).get("compute", "/servers/1") == FOUND.body
    cloud.on("POST /compute/servers", Answer(status=503, body={"message": "busy"}))
    with pytest.raises(Refused, match="503 busy") as refused:
        connect(cloud).post("compute", "/servers", {})
    assert refused.value.unknown and len(cloud.requests("POST /compute/servers")) == 1


def test_a_lost_answer_is_told_from_a_refusal(cloud: Scripted) -> None:
    cloud.on("POST /compute/servers", Answer(cut=True))
    with pytest.raises(Refused, match="compute does not answer POST /servers") as lost:
        connect(cloud).post("compute", "/servers", {})
    assert lost.value.unknown
    cloud.on("POST /compute/servers", Answer(status=403, body={"forbidden": {"message": "Quota exceeded for cores"}}))
    with pytest.raises(Refused, match=r"403 Quota exceeded for cores .the user may not, or a quota") as refused:
        connect(cloud).post("compute", "/servers", {})
    assert not refused.value.unknown


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"NeutronError": {"type": "Conflict", "message": "in use"}}, "409 in use"),
        ({"computeFault": {"message": "oh"}}, "409 oh"),
        (["odd"], "odd"),
    ],
)
def test_every_services_words_are_found(cloud: Scripted, body: object, sentence: str) -> None:
    cloud.on("DELETE /network/v2.0/ports/1", Answer(status=409, body=body))
    with pytest.raises(Refused, match=sentence):
        connect(cloud).delete("network", "/ports/1")


def test_collections_are_read_page_by_page(cloud: Scripted) -> None:
    things = [{"id": str(number)} for number in range(250)]

    def page(asked: object) -> Answer:
        query = getattr(asked, "path", "").partition("?")[2].split("&")
        marker = next((part.partition("=")[2] for part in query if part.startswith("marker=")), "")
        start = int(marker) + 1 if marker else 0
        return Answer(body={"ports": things[start : start + 100]})

    cloud.on("GET /network/v2.0/ports", page)
    assert list(connect(cloud).pages("network", "/ports", "ports")) == things
    assert len(cloud.requests("GET /network")) == 3


def test_a_service_without_pages_is_not_asked_for_ever(cloud: Scripted) -> None:
    cloud.on("GET /network/v2.0/ports", Answer(body={"ports": [{"id": str(number)} for number in range(150)]}))
    assert len(list(connect(cloud).pages("network", "/ports", "ports"))) == 150


def test_what_is_gone_is_deleted(cloud: Scripted) -> None:
    assert connect(cloud).delete("compute", "/servers/1") is False


def test_a_service_that_the_region_lacks_is_named(cloud: Scripted) -> None:
    with pytest.raises(ReleaseError, match="no compute service in the region JP1"):
        connect(cloud, region="JP1").get("compute", "/servers/1")


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("OS_PASSWORD", "OS_PASSWORD is not set: the API password comes from the environment"),
        ("OS_TENANT_ID", "neither OS_TENANT_ID nor OS_PROJECT_NAME"),
        ("OS_AUTH_URL", "OS_AUTH_URL is not set"),
    ],
)
def test_a_missing_variable_is_named(cloud: Scripted, missing: str, sentence: str) -> None:
    given = {name: value for name, value in environment(cloud).items() if name != missing}
    with pytest.raises(ReleaseError, match=sentence):
        credentials_module.from_environment(given)


def test_the_password_is_in_no_words_of_the_credentials(cloud: Scripted) -> None:
    assert PASSWORD not in str(credentials_module.from_environment(environment(cloud)))
