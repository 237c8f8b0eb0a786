"""Two houses for the tests of gate and use cases: a town written by hand, and a synthetic county.

The town has one person for each thing that can be true of somebody, and a handful of social care clients. The county
is small and whole: index, three feeds, facts, links. Both go in through the real use cases, once for each run; whoever
changes one makes a copy first.
"""

from __future__ import annotations

import csv
import io
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.console import Console

from fixtures.agreements import demo_agreements
from fixtures.rates import AS_OF
from fixtures.social_care_lists import HEADER
from fixtures.write import write_demo
from gateway import demo
from gateway.auth.caller import Caller, Kind
from gateway.house import House, open_house
from gateway.ids import person_id
from gateway.services.governance.agreements import activate
from gateway.services.governance.callers import add, named_caller
from gateway.services.governance.facts import load_facts
from gateway.services.governance.personas import PERSONAS
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.settings import Mode, Settings, load_settings
from gateway.storage import upgrade
from gateway.storage.keyring import Keyring
from ig.purpose import OrgClass, Purpose, Role
from linkage.nhs_number import NhsNumber, check_digit
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fixtures.write import Manifest
    from gateway.storage.ledger import LedgerRow

SAFE_HAVEN: Final = "0ZZ"
_ASSURED: Final = ("999", "Z99001", "Z99002", "RZZ", "QZZ", SAFE_HAVEN)
FACT_HEADER: Final = "kind,subject,value,source,as_of,expires"


def nth(place: int) -> str:
    """Return the ``place``-th well-formed number of the 999 range, from 0."""
    found, nine = -1, 999_000_000
    while True:
        digit = check_digit(str(nine))
        found += digit is not None
        if found == place:
            return f"{nine}{digit}"
        nine += 1


@dataclass(frozen=True)
class Townsperson:
    """Somebody of the town, as the index holds them."""

    number: str
    family: str
    given: str
    birth_date: str
    postcode: str
    gender: str = "female"
    other_given: str = ""
    address_line1: str = "1 Test Street"
    phone: str = ""
    email: str = ""
    gp_practice: str = "Z99001"
    death_date: str = ""
    previous_family: str = ""
    previous_postcode: str = ""
    superseded_by: str = ""
    sensitivity: str = "U"

    @property
    def id(self) -> str:
        """The person's id."""
        return person_id(NhsNumber(self.number))

    def asked(self, **other: str) -> Demographics:
        """Return what somebody would ask who knows the person; ``other`` replaces what is said."""
        told = {
            "family": self.family,
            "given": self.given,
            "birth_date": self.birth_date,
            "gender": self.gender,
            "postcode": self.postcode,
            **other,
        }
        return Demographics(**told)  # type: ignore[arg-type]  # fields by name, all of them texts


AMINA = Townsperson(nth(1), "Patelova", "Amina", "1941-03-15", "LE2 1AA", phone="01160000010", email="amina@e.example")
MOVED = replace(AMINA, number=nth(2), family="Okonjova", phone="", email="", gp_practice="", superseded_by=AMINA.number)
BRAM = Townsperson(nth(3), "Okonjo", "Bram", "1962-11-02", "LE3 5TT", "male", gp_practice="Z99002")
GONE = Townsperson(nth(4), "Lisowska", "Dorota", "1950-01-20", "LE4 7AB", sensitivity="I")
HIDDEN = Townsperson(nth(5), "Quillfeather", "Esme", "1988-07-09", "LE5 0ZZ", phone="01160000011", sensitivity="R")
DIED = Townsperson(nth(6), "Vandermeer", "Hugo", "1939-05-30", "LE1 6QQ", "male", death_date="2024-02-01")
DYING = Townsperson(nth(7), "Ferreira", "Ines", "1944-08-21", "LE1 7QQ", death_date="informal:2026-05-01")
TWIN = Townsperson(nth(8), "Dunwick", "Rosalind", "2001-02-03", "LE7 2BB", phone="01160000012")
OTHER_TWIN = replace(TWIN, number=nth(9), given="Rosamund")
NAMESAKE = Townsperson(nth(10), "Kowalska", "Zofia", "1975-12-24", "LE18 2CC", previous_family="Nowak")
OTHER_NAMESAKE = replace(NAMESAKE, number=nth(11), postcode="LE19 3DD", previous_family="")
TODAY = Townsperson(nth(12), "Herrick", "Robin", "1990-05-05", "LE9 4EE", address_line1="9 New Street")
FORMER = Townsperson(nth(13), "Dakin", "Samuel", "1990-05-05", "LE8 5FF", "male", sensitivity="I")
STRANGER = Townsperson(nth(14), "Nobodyson", "Nils", "1970-06-06", "LE7 7ZZ", "male")
PEOPLE = (AMINA, MOVED, BRAM, GONE, HIDDEN, DIED, DYING, TWIN, OTHER_TWIN, NAMESAKE, OTHER_NAMESAKE, TODAY, FORMER)
EVERYBODY = (*PEOPLE, STRANGER)
_NAMED: Final = ("nhs_number", "family", "given", "other_given", "birth_date", "gender", "postcode")
_REACHED: Final = (*(f"address_line{line}" for line in range(1, 6)), "phone", "email", "gp_practice", "death_date")
COLUMNS: Final = (*_NAMED, *_REACHED, "previous_family", "previous_postcode", "superseded_by", "sensitivity")
OUTSIDER = Caller("outsider", "Olga Outsider", "X99", OrgClass.ICB, Role.ANALYST, Purpose.DIRECT_CARE)
"""Registered, and named by no grant: no agreement lets the board's analysts see care records."""


def index_csv(path: Path, people: Iterable[Townsperson] = PEOPLE) -> Path:
    """Write an index file."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, COLUMNS, restval="")
        writer.writeheader()
        for person in people:
            held = {name: getattr(person, name, "") for name in COLUMNS}
            writer.writerow({**held, "nhs_number": person.number})
    return path


def event(
    ref: str, who: Townsperson, other: Mapping[str, str] | None = None, *, number: str = "", step: int = 1
) -> dict[str, str]:
    """Return a row of the council's extract: client ``ref``, known as ``who``, under ``number`` or none.

    ``other`` replaces columns by name.
    """
    year, month, day = who.birth_date.split("-")
    return {
        "LA Code": "999",
        "Reporting Period Start Date": "01/10/2025",
        "Reporting Period End Date": "30/09/2026",
        "NHS Number": number,
        "LA Person Unique Identifier": ref,
        "First Name": who.given,
        "Last Name": who.family,
        "Gender": "Male" if who.gender == "male" else "Female",
        "Date of Birth": f"{day}/{month}/{year}",
        "Postcode": who.postcode,
        "Client Type": "Service user",
        "Event Type": "Request",
        "Event Reference": f"R-{ref}-{step}",
        "Event Start Date": "17/11/2025",
        **(other or {}),
    }


def extract_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """Write a council's extract."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, HEADER, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def facts_csv(path: Path, *rows: str) -> Path:
    """Write a file of facts; each row is text without its line end."""
    path.write_text("\n".join((FACT_HEADER, *rows, "")), encoding="utf-8")
    return path


def persona(house: House, name: str, purpose: Purpose | None = None) -> Caller:
    """Return one of the demonstration's people, asking for ``purpose`` or what they usually ask for."""
    return named_caller(house, name, purpose or PERSONAS[name].default_purpose)


def system(house: House, name: str, purpose: Purpose = Purpose.PROCESSING) -> Caller:
    """Return a system caller: ``system-index``, ``-ingest``, ``-link`` or ``-release``."""
    return named_caller(house, name, purpose)


def settings_in(folder: Path, **other: object) -> Settings:
    """Return settings of a demonstration house in ``folder``."""
    given = {"mode": Mode.DEMO, "data_dir": folder, "organisation": "999", "index_max_age_days": 36_500, **other}
    return load_settings({}, **given)


def empty(settings: Settings) -> Settings:
    """Make databases and keys, and nothing in them."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    Keyring(settings.keys_dir).init()
    upgrade(settings)
    return settings


def make_town(settings: Settings) -> Settings:
    """Make the town: callers, agreements, assurance, index, and the council's clients linked."""
    empty(settings)
    with opened(settings) as house:
        register_callers(house)
        for text in demo_agreements():
            activate(house, persona(house, "ig-officer"), text)
        folder = settings.data_dir
        assured = [f"dspt,{ods},standards-met,dspt,2026-01-01,2036-01-01" for ods in _ASSURED]
        load_facts(house, "dspt", facts_csv(folder / "dspt.csv", *assured))
        sealed = f"never-link,{TODAY.number},{FORMER.number},protected,2026-01-01,"
        load_facts(house, "never-link", facts_csv(folder / "protected.csv", sealed))
        caseload = [f"caseload,{one.number},social-worker,999,2026-01-01," for one in (AMINA, HIDDEN, BRAM)]
        load_facts(house, "caseload", facts_csv(folder / "caseloads.csv", *caseload))
        source = IndexSource(index_csv(folder / "index.csv"), "demo", AS_OF)
        assert not load_index(house, system(house, "system-index"), source).quarantined
    return settings


def register_callers(house: House) -> None:
    """Register the personas, the system callers, and somebody whom no agreement grants anything."""
    for known in PERSONAS.values():
        who = (known.subject, known.name, known.organisation, known.org_class, known.role)
        add(house, *who, known.purposes, persona=known.subject)
    for name in demo.SYSTEMS:
        purposes = (Purpose.PROCESSING, Purpose.ANALYTICS)
        add(house, name, name, SAFE_HAVEN, OrgClass.SAFE_HAVEN, Role.SYSTEM, purposes, kind=Kind.SYSTEM)
    _register_outsider(house)


def _register_outsider(house: House) -> None:
    one = OUTSIDER
    add(house, one.subject, one.name, one.organisation, one.org_class, one.role, [one.purpose])


def take_in(house: House, path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Read a council's extract into the house and link it."""
    ingest_files(house, system(house, "system-ingest"), "social-care", [extract_csv(path, rows)])
    link_all(house, system(house, "system-link"))


def make_county(folder: Path) -> tuple[Settings, Manifest]:
    """Make a county of 600 people, whole but for the release, with cases for review under any model."""
    settings = empty(settings_in(folder / "var"))
    manifest = write_demo(folder / "county", 600, 45)
    _plant_doubts(manifest)
    with opened(settings) as house:
        demo._govern(house, manifest)  # the demonstration's own registration
        _register_outsider(house)
        load_index(house, system(house, "system-index"), IndexSource(manifest.index, "demo", AS_OF))
        feeds = {"social-care": manifest.social_care, "gp": manifest.gp, "acute": manifest.acute}
        for source, paths in feeds.items():
            ingest_files(house, system(house, "system-ingest"), source, paths)
        link_all(house, system(house, "system-link"))
    return settings, manifest


def _plant_doubts(manifest: Manifest) -> None:
    """Give one person of the council's and one of the hospital's another first name in the index.

    Their own number under another first name is for a person to decide, whatever the weights are.
    """
    doubtful: dict[str, str] = {}
    for row in _rows(manifest.truth):
        plain = row["nhs_number"] and not row["tags"] and row["nhs_number"] not in manifest.examples.values()
        if plain and row["source"] != "gp" and row["nhs_number"] not in doubtful.values():
            doubtful.setdefault(row["source"], row["nhs_number"])
    index = _rows(manifest.index)
    for row in index:
        if row["nhs_number"] in doubtful.values():
            row.update(given="Zebedee", other_given="")
    with manifest.index.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, list(index[0]))
        written.writeheader()
        written.writerows(index)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def opened(settings: Settings) -> Iterator[House]:
    """Open the house of ``settings`` for a while."""
    house = open_house(settings)
    try:
        yield house
    finally:
        house.close()


@contextmanager
def copied(settings: Settings, folder: Path) -> Iterator[House]:
    """Open a copy that a test may spoil."""
    shutil.copytree(settings.data_dir, folder)
    with opened(settings.model_copy(update={"data_dir": folder})) as house:
        yield house


class Watch:
    """What the ledger and nobody else has seen since the test began."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.begun = house.stores.ledger.size()

    def rows(self, *kinds: str) -> list[LedgerRow]:
        """Return the rows added since, oldest first, of these kinds or of all."""
        self.house.stores.ledger.flush()
        found = self.house.stores.ledger.search(kinds=kinds or None, limit=10_000)
        return [row for row in reversed(found) if row.seq > self.begun]

    def text(self) -> str:
        """Return all bodies added since, as stored."""
        self.house.stores.ledger.flush()
        return "\n".join(row.body.decode() for row in self.house.stores.ledger.rows(self.begun + 1))


def quiet() -> Console:
    """Return a console that nobody reads."""
    return Console(file=io.StringIO())
