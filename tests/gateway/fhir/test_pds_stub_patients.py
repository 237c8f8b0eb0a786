"""The stub patients that PDS publishes, loaded as an index: each is given back as published, but for listed fields."""

from __future__ import annotations

import csv
import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters import spine
from adapters.person import to_demographics
from gateway.app import create_app
from gateway.fhir.departures import FIELDS, FROM_JSON
from gateway.fhir.outcome import PDS_BASE
from gateway.services.governance.callers import named_caller
from gateway.services.records.index import IndexSource, load_index
from ig.purpose import Purpose
from tests.gateway.web.small_house import bearer, copied, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from gateway.house import House
    from gateway.settings import Settings

Resource = dict[str, Any]
STUBS = Path(__file__).parents[4] / "shared/specs/pds/karate-tests/src/test/java/mocks/stubs"
SUPERSEDED, SURVIVOR = "5900053636", "9732019395"
VERY_RESTRICTED, INVALIDATED = "9727024610", "9990003343"
_STEP = re.compile(r"(\w+)(?:\[(\w+)(!?=)(\w+)\])?")

pytestmark = pytest.mark.specs


def stubs() -> list[Path]:
    return sorted((STUBS / "patientResponses").glob("*.json"))


def published(path: Path) -> Resource:
    patient: Resource = json.loads(path.read_text())
    return patient


def survivor() -> Resource:
    bundle = json.loads((STUBS / "searchResponses/cuff_superseded_searchset.json").read_text())
    patient: Resource = bundle["entry"][0]["resource"]
    return patient


def row_of(patient: Resource) -> dict[str, str]:
    """A published Patient as a row of an index file."""
    told = to_demographics(patient)
    lines = {f"address_line{place}": line for place, line in enumerate(told.address[:5], start=1)}
    return lines | {
        "nhs_number": patient["id"],
        "family": told.family,
        "given": told.given,
        "other_given": "|".join(told.other_given),
        "previous_family": "|".join(told.previous_family),
        "birth_date": told.birth_date,
        "gender": told.gender,
        "postcode": told.postcode,
        "phone": "|".join(told.phone),
        "email": "|".join(told.email),
        "gp_practice": told.gp_practice,
        "death_date": told.death_date,
        "sensitivity": patient["meta"]["security"][0]["code"],
    }


def rows() -> Iterator[dict[str, str]]:
    yield from (row_of(published(path)) for path in stubs())
    yield row_of(survivor())
    yield row_of(survivor()) | {"nhs_number": SUPERSEDED, "superseded_by": SURVIVOR}
    yield row_of(survivor()) | {"nhs_number": VERY_RESTRICTED, "sensitivity": "V", "family": "Verity"}
    yield row_of(survivor()) | {"nhs_number": INVALIDATED, "sensitivity": "I"}


@pytest.fixture(scope="module")
def stub_house(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose index holds the published patients, as one from PDS does."""
    if not STUBS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    folder = tmp_path_factory.mktemp("stubs")
    path = folder / "stubs.csv"
    with path.open("w", newline="", encoding="utf-8") as written:
        writer = csv.DictWriter(written, spine.COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows())
    with opened(copied(settings, folder / "house")) as house:
        loader = named_caller(house, "system-index", Purpose.PROCESSING)
        done = load_index(house, loader, IndexSource(path, "pds", date(2026, 3, 13)))
        assert not done.quarantined
        yield house


@pytest.fixture(scope="module")
def stub_client(stub_house: House) -> FlaskClient:
    return create_app(house=stub_house).test_client()


@pytest.fixture
def get(stub_house: House, stub_client: FlaskClient) -> Any:  # noqa: ANN401 - a function of one path
    def ask(path: str) -> TestResponse:
        return stub_client.get(f"{PDS_BASE}/{path}", headers=bearer(stub_house, "social-worker"))

    return ask


def without(value: Any, steps: list[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    """The value less what a path of `FIELDS` names."""
    if isinstance(value, list):
        inner = [without(one, steps) for one in value]
        return [one for one in inner if one]
    if not isinstance(value, dict):
        return value
    found = _STEP.fullmatch(steps[0])
    assert found, steps
    name, key, sign, end = found.groups()
    if name not in value:
        return value

    def picked(one: Resource) -> bool:
        return not key or str(one.get(key, "")).endswith(end) == (sign == "=")

    held, deeper = value[name], steps[1:]
    left: Any = without(held, deeper) if deeper else None
    if isinstance(held, list) and key:
        kept = [without(one, deeper) if deeper else None for one in held if picked(one)]
        left = [one for one in kept if one] + [one for one in held if not picked(one)]
    rest = {one: inner for one, inner in value.items() if one != name}
    return rest | ({name: left} if left else {})


def common(patient: Resource, fields: Iterable[str] = FIELDS) -> Resource:
    """What of a Patient is to be the same here as at PDS."""
    for path in fields:
        patient = without(patient, path.split("."))
    return patient


@pytest.mark.parametrize("path", stubs(), ids=lambda path: path.stem)
def test_each_stub_patient_is_given_back_as_published(get: Any, path: Path) -> None:  # noqa: ANN401 - the fixture
    response = get(f"Patient/{published(path)['id']}")
    given = json.loads(response.data)
    assert response.status_code == 200
    assert common(given) == common(published(path))
    assert response.headers["ETag"] == f'W/"{given["meta"]["versionId"]}"'


@pytest.mark.parametrize("field", FIELDS)
def test_each_listed_field_does_differ_for_some_stub(get: Any, field: str) -> None:  # noqa: ANN401 - the fixture
    def all_the_same(path: Path) -> bool:
        given, wanted = json.loads(get(f"Patient/{published(path)['id']}").data), published(path)
        others = [one for one in FIELDS if one != field]
        return common(given, others) == common(wanted, others)

    assert not all(all_the_same(path) for path in stubs())


@pytest.fixture(scope="module")
def given_back(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Resource]]:
    """What is retrieved of each stub, by its name, where the index was loaded from the published bodies themselves."""
    if not STUBS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    folder = tmp_path_factory.mktemp("json")
    bodies = [*map(published, stubs()), survivor()]
    path = folder / "stubs.ndjson"
    path.write_bytes(b"".join(json.dumps(body).encode() + b"\n" for body in bodies))
    with opened(copied(settings, folder / "house")) as house:
        loader = named_caller(house, "system-index", Purpose.PROCESSING)
        done = load_index(house, loader, IndexSource(path, "pds", date(2026, 3, 13), "pds-json"))
        assert (done.people, done.quarantined.total()) == (len({body["id"] for body in bodies}), 0)
        asker, client = bearer(house, "social-worker"), create_app(house=house).test_client()
        yield {
            body["id"]: json.loads(client.get(f"{PDS_BASE}/Patient/{body['id']}", headers=asker).data)
            for body in bodies
        }


@pytest.mark.parametrize("path", stubs(), ids=lambda path: path.stem)
def test_a_stub_loaded_as_it_is_published_is_given_back_so(given_back: dict[str, Resource], path: Path) -> None:
    wanted = published(path)
    assert common(given_back[wanted["id"]], FROM_JSON) == common(wanted, FROM_JSON)


def test_nothing_of_how_it_was_loaded_is_given_back(given_back: dict[str, Resource]) -> None:
    assert all(one["meta"].keys() == {"versionId", "security", "extension"} for one in given_back.values())


@pytest.mark.parametrize("field", FROM_JSON)
def test_each_of_the_few_departures_is_one(given_back: dict[str, Resource], field: str) -> None:
    others = [one for one in FROM_JSON if one != field]
    wanted = [published(path) for path in stubs()]
    assert not all(common(given_back[one["id"]], others) == common(one, others) for one in wanted)


def find(get: Any, query: str) -> dict[str, float]:  # noqa: ANN401 - the fixture
    bundle = json.loads(get(f"Patient?{query}").data)
    return {one["resource"]["id"]: one["search"]["score"] for one in bundle.get("entry", ())}


@pytest.mark.parametrize(
    ("query", "score"),
    [
        ("family=Smith&birthdate=eq2010-10-22", 1),
        ("family=smith&given=jane&gender=female&birthdate=2010-10-22&address-postalcode=LS16AE&_exact-match=true", 1),
        ("family=SM%C3%8ETH&given=J%C3%80NE&birthdate=eq2010-10-22", 1),
        ("family=Smith&birthdate=ge2010-10-21&birthdate=le2010-10-23&death-date=eq2010-10-22", 1),
        ("family=Smith&birthdate=eq2010-10-22&phone=01632960587&email=Jane.Smith@example.com", 1),
        ("family=Smith&given=Jan%2A&birthdate=eq2010-10-22&address-postalcode=LS%2A&_history=true", 0.8806),
        ("family=Smith&given=Jane&birthdate=eq2010-10-22&general-practitioner=Y12345&_fuzzy-match=true", 1),
    ],
)
def test_the_sandboxes_patient_is_found_as_its_specification_says(get: Any, query: str, score: float) -> None:  # noqa: ANN401 - the fixture
    assert find(get, query) == {"9000000009": score}


def test_a_search_entry_is_what_pds_publishes_for_it(get: Any) -> None:  # noqa: ANN401 - the fixture
    bundle = json.loads(get("Patient?family=Smith&given=Jane&birthdate=eq2010-10-22").data)
    (entry,) = bundle["entry"]
    assert common(entry["resource"]) == common(published(STUBS / "searchResponses/search_patient_9000000009.json"))
    assert entry["fullUrl"].endswith(f"{PDS_BASE}/Patient/9000000009")


def test_a_restricted_stub_is_found_by_name_and_not_by_place(get: Any) -> None:  # noqa: ANN401 - the fixture
    assert find(get, "family=Smythe&birthdate=eq2010-10-22") == {"9000000025": 1}
    for place in ("address-postalcode=LS%2A", "address-postcode=LS16AE", "general-practitioner=Y12345"):
        assert not find(get, f"family=Smythe&birthdate=eq2010-10-22&{place}")


def test_what_is_compared_is_more_than_a_number() -> None:
    if not STUBS.is_dir():
        pytest.skip("../shared/specs/pds is absent")
    whole = common(published(STUBS / "patientResponses/patient_9000000009.json"))
    assert {"id", "identifier", "meta", "name", "gender", "birthDate", "deceasedDateTime"} <= whole.keys()
    assert {"generalPractitioner", "telecom", "address", "extension"} <= whole.keys()
    assert whole["name"] == [{"use": "usual", "given": ["Jane"], "family": "Smith"}]


def test_a_restricted_stub_has_no_whereabouts(get: Any) -> None:  # noqa: ANN401 - the fixture
    patient = json.loads(get("Patient/9000000025").data)
    assert patient["meta"]["security"][0]["code"] == "R"
    assert not {"address", "telecom", "contact", "generalPractitioner"} & patient.keys()


def test_a_very_restricted_one_has_neither_name_nor_birth_date_and_no_search_finds_them(get: Any) -> None:  # noqa: ANN401 - the fixture
    patient = json.loads(get(f"Patient/{VERY_RESTRICTED}").data)
    assert patient["meta"]["security"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": "V",
        "display": "very restricted",
    }
    assert not {"address", "telecom", "contact", "generalPractitioner", "name", "birthDate"} & patient.keys()
    born = survivor()["birthDate"]
    assert json.loads(get(f"Patient?family=Verity&birthdate={born}").data)["total"] == 0
    assert json.loads(get(f"Patient?family=Verity&given=Jane&birthdate={born}&_fuzzy-match=true").data)["total"] < 2


def test_a_superseded_number_gives_the_published_survivor(get: Any) -> None:  # noqa: ANN401 - the fixture
    response = get(f"Patient/{SUPERSEDED}")
    assert response.status_code == 200
    assert common(json.loads(response.data)) == common(survivor())
    found = json.loads(get(f"Patient?family=Cuff&birthdate=eq{survivor()['birthDate']}").data)
    assert [(one["resource"]["id"], one["search"]["score"]) for one in found["entry"]] == [(SURVIVOR, 1)]


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (INVALIDATED, 404, "INVALIDATED_RESOURCE"),
        ("9111231130", 404, "RESOURCE_NOT_FOUND"),
        ("9000000000", 400, "INVALID_RESOURCE_ID"),
    ],
)
def test_the_sandboxes_other_numbers_are_answered_as_there(get: Any, number: str, status: int, code: str) -> None:  # noqa: ANN401 - the fixture
    for path in (f"Patient/{number}", f"Patient/{number}/RelatedPerson"):
        response = get(path)
        issue = json.loads(response.data)["issue"][0]
        assert (response.status_code, issue["details"]["coding"][0]["code"]) == (status, code)
