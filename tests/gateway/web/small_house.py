"""A real house with a handful of people: databases, keys, agreements, callers and index, made once for each run.

Whoever changes it makes a copy first (``copied``): the made one is shared by every test of the front doors.
"""

from __future__ import annotations

import csv
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fixtures.agreements import demo_agreements
from gateway.auth.caller import Caller, Kind
from gateway.auth.tokens import issue_token
from gateway.house import House, open_house
from gateway.services.governance.agreements import activate
from gateway.services.governance.callers import add, named_caller
from gateway.services.governance.personas import PERSONAS
from gateway.services.records.index import IndexSource, load_index
from gateway.settings import Mode, Settings, load_settings
from gateway.storage import open_stores, upgrade
from ig.purpose import OrgClass, Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMED = ("nhs_number", "family", "given", "other_given", "birth_date", "gender", "postcode")
_REST = ("phone", "email", "gp_practice", "death_date", "previous_family", "previous_postcode")
COLUMNS = (*_NAMED, *(f"address_line{line}" for line in range(1, 6)), *_REST, "superseded_by", "sensitivity")


@dataclass(frozen=True)
class Known:
    """A person of the small index."""

    number: str
    family: str
    given: str
    birth_date: str
    postcode: str
    gender: str = "female"
    more: tuple[tuple[str, str], ...] = ()

    @property
    def shown(self) -> str:
        """The number as pages show it."""
        return f"{self.number[:3]} {self.number[3:6]} {self.number[6:]}"

    def row(self) -> dict[str, str]:
        """The person's row of the index file."""
        named = {
            "nhs_number": self.number,
            "family": self.family,
            "given": self.given,
            "birth_date": self.birth_date,
            "postcode": self.postcode,
            "gender": self.gender,
            "address_line1": "1 Test Street",
            "gp_practice": "Z99001",
            "sensitivity": "U",
        }
        return dict.fromkeys(COLUMNS, "") | named | dict(self.more)


AMINA = Known("9990000018", "Patelova", "Amina", "1941-03-15", "LE2 1AA")
BRAM = Known("9990000026", "Okonjo", "Bram", "1962-11-02", "LE3 5TT", "male")
MOVED = Known("9990000034", "Patelova", "Amina", "1941-03-15", "LE2 1AA", more=(("superseded_by", AMINA.number),))
GONE = Known("9990000042", "Lisowska", "Dorota", "1950-01-20", "LE4 7AB", more=(("sensitivity", "I"),))
HIDDEN = Known("9990000050", "Quillfeather", "Esme", "1988-07-09", "LE5 0ZZ", more=(("sensitivity", "R"),))
DIED = Known("9990000069", "Vandermeer", "Hugo", "1939-05-30", "LE1 6QQ", "male", (("death_date", "2024-02-01"),))
TWIN = Known("9990000085", "Patelova", "Rosalind", "1941-03-15", "LE2 1AA")
PEOPLE = (AMINA, BRAM, MOVED, GONE, HIDDEN, DIED, TWIN)
ABSENT = Known("9990000077", "Nobodyson", "Nils", "1970-06-06", "LE7 7ZZ", "male")

STEWARD = "test-steward"


def make(folder: Path, *, mode: Mode = Mode.DEMO) -> Settings:
    """Make databases, keys, callers, agreements and an index in ``folder``; return settings that open them."""
    settings = load_settings({}, mode=mode, data_dir=folder)
    upgrade(settings)
    with open_stores(settings) as stores:
        stores.keys.init()
    house = open_house(settings)
    try:
        _fill(house, folder)
    finally:
        house.close()
    return settings


def _fill(house: House, folder: Path) -> None:
    for persona in PERSONAS.values():
        who = (persona.subject, persona.name, persona.organisation, persona.org_class, persona.role)
        add(house, *who, persona.purposes, persona=persona.subject)
    add(
        house,
        "system-index",
        "Index loader",
        "0ZZ",
        OrgClass.SAFE_HAVEN,
        Role.SYSTEM,
        (Purpose.PROCESSING,),
        kind=Kind.SYSTEM,
    )
    add(house, STEWARD, "Test steward", "999", OrgClass.COUNCIL, Role.SYSTEM_ADMIN, ())
    steward = Caller(STEWARD, "Test steward", "999", OrgClass.COUNCIL, Role.SYSTEM_ADMIN, Purpose.PROCESSING)
    for text in demo_agreements():
        activate(house, steward, text)
    path = folder / "index.csv"
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(person.row() for person in PEOPLE)
    loader = named_caller(house, "system-index", Purpose.PROCESSING)
    done = load_index(house, loader, IndexSource(path, "demo", datetime.now(UTC).date()))
    # production sets aside what only a test can have made
    expected = len(PEOPLE) if house.settings.mode is Mode.DEMO else 0
    assert done.people == expected, done.quarantined


@contextmanager
def opened(settings: Settings) -> Iterator[House]:
    """Open the house of ``settings`` for a while."""
    house = open_house(settings)
    try:
        yield house
    finally:
        house.close()


def copied(settings: Settings, folder: Path) -> Settings:
    """Return settings of a copy that a test may spoil."""
    shutil.copytree(settings.data_dir, folder, dirs_exist_ok=True)
    return settings.model_copy(update={"data_dir": folder})


def bearer(house: House, persona: str, purpose: Purpose | None = None) -> dict[str, str]:
    """Return the headers with which ``persona`` asks over HTTP."""
    who = PERSONAS[persona]
    caller = named_caller(house, who.subject, purpose or who.default_purpose)
    return {
        "Authorization": f"Bearer {issue_token(house, caller)}",
        "X-Request-ID": "60e0b220-8136-4ca5-ae46-1d97ef59d068",
    }
