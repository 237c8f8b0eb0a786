"""Records of a council in the town, said in full: address, contacts and practice too, which its own extract lacks."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from adapters.feed import SourceRecord
from adapters.person import to_demographics
from fixtures.rates import AS_OF
from gateway.services.changes.find import FindReport, find_differences
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.storage.permit import mint
from gateway.storage.records import Incoming, Shelf, source_person_id
from linkage.normalise import normalise
from tests.gateway.houses import PEOPLE, Townsperson, index_csv, system

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.storage import Permit
    from gateway.storage.differing import Difference

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"


def patient(who: Townsperson, **other: Any) -> dict[str, Any]:  # noqa: ANN401 - elements by name
    """Return a Patient as a case system says it of ``who``; ``other`` replaces whole elements, None takes one away."""
    made: dict[str, Any] = {
        "resourceType": "Patient",
        "identifier": [{"system": NHS_NUMBER, "value": who.number}],
        "name": [{"use": "usual", "family": who.family, "given": [who.given]}],
        "birthDate": who.birth_date,
        "gender": who.gender,
        "address": [{"use": "home", "line": [who.address_line1], "postalCode": who.postcode}],
        **other,
    }
    return {name: value for name, value in made.items() if value is not None}


def send(house: House, ref: str, said: dict[str, Any], *, day: int = 1, organisation: str = "999") -> str:
    """Store one record as the use case of ingest would; return its id."""
    who = source_person_id("social-care", organisation, ref)
    body = {**said, "id": who, "meta": {**said.get("meta", {}), "tag": []}}
    original = orjson.dumps([ref, day, body])
    record = SourceRecord(
        source="social-care",
        organisation=organisation,
        kind="client-event",
        local_id=ref,
        person_ref=ref,
        occurred=f"2026-01-{day:02d}",
        feed="made.csv",
        row=day,
        original=original,
        content_hash=hashlib.sha256(original).hexdigest(),
        resources=(body,),
    )
    person = normalise(to_demographics(body))
    number = person.nhs_number.digits if person.nhs_number else ""
    with house.stores.transaction() as tx:
        house.stores.records.put_many(tx, [Incoming(record, person.pack(), number)], lambda *_: Shelf("demographics"))
    return who


def reload(house: House, folder: Path, *people: Townsperson, day: int = 30) -> None:
    """Load the index again with these people in place of those of the town who have their numbers."""
    numbers = {one.number for one in people}
    rows = [*(one for one in PEOPLE if one.number not in numbers), *people]
    source = IndexSource(index_csv(folder / "index.csv", rows), "demo", AS_OF.replace(day=day))
    load_index(house, system(house, "system-index"), source)


def link(house: House) -> None:
    """Join what can be joined."""
    link_all(house, system(house, "system-link"))


def find(house: House) -> FindReport:
    """Compare what has changed."""
    return find_differences(house, system(house, "system-changes"))


def link_and_find(house: House) -> FindReport:
    """Join, then compare."""
    link(house)
    return find(house)


def reader(organisation: str = "999") -> Permit:
    """A permit to look into the store with."""
    return mint(
        decision_id="t", caller="t", organisation=organisation, purpose="t", agreement="T", providers=[organisation]
    )


def standing(house: House) -> dict[tuple[str, str, str], str]:
    """Return (record's own id, field, kind) → state of everything that stands."""
    return {(one.local_id, one.field.value, one.kind.value): one.state.value for one in all_of(house)}


def all_of(house: House) -> list[Difference]:
    """Return every difference that stands."""
    page = house.stores.differences.feed(reader(), 0, 10_000)
    return [one for one in page.changes if one.state != "superseded"]
