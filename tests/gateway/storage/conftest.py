"""Small people and records for the storage tests: synthetic, with numbers from the never-issued 999 range."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from adapters.feed import SourceRecord
from gateway.storage.index import IndexEntry
from gateway.storage.records import Incoming, Shelf
from linkage.nhs_number import NhsNumber, check_digit
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Callable


def number(place: int) -> NhsNumber:
    """The ``place``-th well-formed number of the 999 range."""
    found = -1
    for nine in range(999_000_000, 1_000_000_000):
        digit = check_digit(str(nine))
        found += digit is not None
        if found == place:
            return NhsNumber(f"{nine}{digit}")
    raise AssertionError


@pytest.fixture
def nth_number() -> Callable[[int], NhsNumber]:
    """Give the n-th number of the 999 range."""
    return number


@pytest.fixture
def make_entry() -> Callable[..., IndexEntry]:
    """Make an index entry: ``make_entry(3, keys=[1, 2], family="PATEL")``."""

    def make(place: int, *, keys: tuple[int, ...] = (), family: str = "EXAMPLE", **given: Any) -> IndexEntry:  # noqa: ANN401 - fields by name
        known = number(place)
        packed = Person(nhs_number=known, family=family, given="ANN").pack()
        patient = b'{"resourceType":"Patient","id":"%s"}' % known.digits.encode()
        return IndexEntry(known, packed, keys, given.pop("patient", patient), **given)

    return make


@pytest.fixture
def make_incoming() -> Callable[..., Incoming]:
    """Make a record on its way in; ``make_incoming("e1", text="first")`` has one Condition and a Patient."""

    def make(local_id: str, text: str = "", **given: Any) -> Incoming:  # noqa: ANN401 - fields by name
        original = f"{local_id},{text}".encode()
        ref = given.get("person_ref", "p1")
        resources = given.pop(
            "resources",
            (
                {"resourceType": "Patient", "id": f"pat-{ref}", "text": text},
                {"resourceType": "Condition", "id": f"con-{local_id}", "text": text},
            ),
        )
        family = given.pop("family", "EXAMPLE")
        packed = given.pop("packed", Person(family=family).pack())
        told: dict[str, Any] = {
            "source": "social-care",
            "organisation": "X09",
            "kind": "client-event",
            "person_ref": ref,
            "feed": "events.csv",
            "row": 2,
            "occurred": "2026-01-01",
            **given,
        }
        nhs_number = told.pop("nhs_number", "")
        content = hashlib.sha256(original).hexdigest()
        record = SourceRecord(local_id=local_id, original=original, content_hash=content, resources=resources, **told)
        return Incoming(record, packed, nhs_number)

    return make


@pytest.fixture
def classify() -> Callable[[SourceRecord, dict[str, Any]], Shelf]:
    """Conditions are problems, a Patient is demographics; a resource that says so is sensitive."""

    def shelve(_record: SourceRecord, resource: dict[str, Any]) -> Shelf:
        section = "demographics" if resource["resourceType"] == "Patient" else "problems"
        return Shelf(section, sensitive=resource.get("text") == "sensitive")

    return shelve
