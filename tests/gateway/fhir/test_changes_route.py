"""The feed and the intake of signals over HTTP: pages, 304, 410, and whose token opens them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from gateway.app import create_app
from gateway.auth.caller import Kind
from gateway.auth.tokens import issue_token
from gateway.fhir.outcome import FHIR_BASE
from gateway.services.changes.cursor import Cursor
from gateway.services.governance.callers import add, named_caller
from gateway.storage.differing import Field, Found
from gateway.storage.differing import Kind as Why
from ig.purpose import OrgClass, Purpose, Role
from tests.gateway.houses import Townsperson
from tests.gateway.services.changes.senders import patient, send
from tests.gateway.web.small_house import AMINA, BRAM, bearer, copied, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from gateway.house import House
    from gateway.settings import Settings
    from tests.gateway.web.small_house import Known

CHANGES, SIGNALS = f"{FHIR_BASE}/changes", f"{FHIR_BASE}/signals"
SYSTEM = "system-changes"


@pytest.fixture(scope="module")
def fed(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The small house with a feed of three."""
    with opened(copied(settings, tmp_path_factory.mktemp("feed") / "var")) as held:
        who = (SYSTEM, SYSTEM, "0ZZ", OrgClass.SAFE_HAVEN, Role.SYSTEM)
        add(held, *who, (Purpose.PROCESSING,), kind=Kind.SYSTEM)
        names = [send(held, ref, patient(_townsperson(AMINA))) for ref in ("a", "b", "c")]
        found = [
            Found(name, "person", "social-care", "999", Field.BIRTH_DATE, Why.SUBSTANTIVE, "about") for name in names
        ]
        with held.stores.transaction() as tx:
            held.stores.differences.settle(tx, names, found, frozenset(Field))
        yield held


def _townsperson(known: Known) -> Townsperson:
    return Townsperson(known.number, known.family, known.given, known.birth_date, known.postcode, known.gender)


@pytest.fixture(scope="module")
def web(fed: House) -> FlaskClient:
    return create_app(house=fed).test_client()


@pytest.fixture(scope="module")
def team(fed: House) -> dict[str, str]:
    return bearer(fed, "data-team")


@pytest.fixture(scope="module")
def system(fed: House) -> dict[str, str]:
    token = issue_token(fed, named_caller(fed, SYSTEM, Purpose.PROCESSING))
    return {"Authorization": f"Bearer {token}"}


def pages(web: FlaskClient, team: dict[str, str], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    address = f"{CHANGES}?_count={count}"
    while not found or found[-1].get("entry"):
        found.append(web.get(address, headers=team).get_json(force=True))
        address = next(link["url"] for link in found[-1]["link"] if link["relation"] == "next")
    return found


def test_the_next_link_leads_through_the_whole_and_waits_at_the_end(web: FlaskClient, team: dict[str, str]) -> None:
    found = pages(web, team, 2)
    assert [len(page.get("entry", ())) for page in found] == [2, 1, 0]
    tasks = [entry["resource"] for page in found for entry in page.get("entry", ())]
    assert {task["for"]["identifier"]["value"] for task in tasks} == {"a", "b", "c"}
    assert {(task["status"], task["code"]["coding"][0]["code"]) for task in tasks} == {("requested", "birth_date")}
    assert all(page["meta"]["tag"][0]["code"] for page in found)


def test_where_nothing_is_new_the_answer_is_304(web: FlaskClient, team: dict[str, str]) -> None:
    first = web.get(CHANGES, headers=team)
    etag, cursor = first.headers["ETag"], first.headers["ETag"].removeprefix('W/"').removesuffix('"')
    again = web.get(f"{CHANGES}?_since={cursor}", headers=team | {"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (HTTPStatus.NOT_MODIFIED, b"", etag)
    assert web.get(f"{CHANGES}?_since={cursor}", headers=team).status_code == HTTPStatus.OK
    # what is new is told, whatever tag is held
    assert web.get(CHANGES, headers=team | {"If-None-Match": etag}).status_code == HTTPStatus.OK


def test_an_expired_cursor_is_410_with_what_to_do(web: FlaskClient, team: dict[str, str]) -> None:
    answer = web.get(f"{CHANGES}?_since={Cursor('0' * 32, 1)}", headers=team)
    assert answer.status_code == HTTPStatus.GONE
    (issue,) = answer.get_json(force=True)["issue"]
    assert issue["code"] == "deleted"
    assert "Ask without one" in str(issue)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("_since=xyz", "_since"),
        ("_since=%C3%A9", "_since"),
        ("_count=0", "_count"),
        ("_count=501", "_count"),
        ("_count=٣", "_count"),
        ("_count=1&_count=2", "query"),
        ("who=me", "query"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    web: FlaskClient, team: dict[str, str], query: str, named: str
) -> None:
    answer = web.get(f"{CHANGES}?{query}", headers=team)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert named in answer.text


def test_nobody_comes_in_without_a_token_or_a_grant(web: FlaskClient, fed: House) -> None:
    assert web.get(CHANGES).status_code == HTTPStatus.UNAUTHORIZED
    assert web.post(SIGNALS, json={}).status_code == HTTPStatus.UNAUTHORIZED
    worker = bearer(fed, "social-worker")
    assert web.get(CHANGES, headers=worker).status_code == HTTPStatus.FORBIDDEN
    assert web.post(SIGNALS, json=_event(BRAM.number), headers=worker).status_code == HTTPStatus.FORBIDDEN


def _event(number: str) -> dict[str, str]:
    return {"specversion": "1.0", "type": "pds-record-change-2", "time": "2026-06-01T13:00:00Z", "subject": number}


def test_a_signal_is_taken_in_as_mns_sends_it(web: FlaskClient, fed: House, system: dict[str, str]) -> None:
    answer = web.post(
        SIGNALS, data=orjson.dumps(_event(BRAM.number)), content_type="application/cloudevents+json", headers=system
    )
    assert (answer.status_code, "read anew" in answer.text) == (HTTPStatus.OK, True)
    assert fed.stores.signals.waiting_count() == 1
    stranger = web.post(SIGNALS, json=_event("9990000107"), headers=system)
    assert "nobody in the index" in stranger.text
    assert fed.stores.signals.waiting_count() == 1


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{}", "application/json", HTTPStatus.BAD_REQUEST),
        (b"{}", "text/plain", HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
        (b" " * 100_000, "application/json", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_what_is_no_signal_is_refused(
    web: FlaskClient, system: dict[str, str], body: bytes, media_type: str, status: HTTPStatus
) -> None:
    assert web.post(SIGNALS, data=body, content_type=media_type, headers=system).status_code == status


def test_the_description_has_the_statuses_of_the_feed(web: FlaskClient) -> None:
    told = web.get("/openapi.json").get_json()["paths"]
    assert {"200", "304", "400", "410"} <= set(told[CHANGES]["get"]["responses"])
    assert "content" not in told[CHANGES]["get"]["responses"]["304"]
    assert "410" not in told[SIGNALS]["post"]["responses"]


def test_before_anything_was_found_there_is_no_place_to_go_on_from(client: FlaskClient, house: House) -> None:
    answer = client.get(CHANGES, headers=bearer(house, "data-team"))
    assert "ETag" not in answer.headers
    assert [link["relation"] for link in answer.get_json(force=True)["link"]] == ["self"]
