"""The reader of an EMIS extract: which table after which, and one item for each row."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters import ukcore
from adapters.feed import FeedRefused, Quarantined, SourceRecord
from adapters.gp import extract, medicines, people
from adapters.gp.entries import TYPES, Entry, check_problem, entry_id
from adapters.gp.extract import in_order, tables_of
from adapters.gp.lookups import Lookups
from adapters.gp.medicines import Prescribed
from adapters.gp.people import SOURCE, guid
from adapters.gp.sensitive import SENSITIVE_CODES
from adapters.values import BadField, boolean, in_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from adapters.feed import Feed, Item
    from adapters.gp.lookups import Cells, Meaning
    from adapters.rows import Row, Table
    from adapters.ukcore import Resource


def read(
    feeds: Sequence[Feed], lookups: Lookups | None = None, *, sensitive: frozenset[str] = SENSITIVE_CODES
) -> Iterator[Item]:
    """Read the files of one practice's extract.

    ``lookups`` carries codes, organisations and problems from one extract to the next; hand the same one in
    again for a delta. ``sensitive`` is the set of SNOMED CT ids whose entries are labelled SENSITIVE.

    Raises:
        FeedRefused: the sharing agreement is disabled or not activated, or a file cannot be used; no row of any
            file has been given.
    """
    tables = tables_of(feeds)
    lookups = lookups if lookups is not None else Lookups()
    held = _organisations(tables[extract.ORGANISATION], lookups)
    practice = _practice(tables[extract.AGREEMENT], lookups)
    yield from _Reader(tables, lookups, practice, sensitive).items(held)


def _cells(table: Table, row: Row) -> Cells:
    return dict(zip(table.header, [cell.strip() for cell in row.cells], strict=True))


def _practice(table: Table, lookups: Lookups) -> str:
    """Read the sharing agreement and give the ODS code of the practice whose extract this is."""
    name = table.feed.name
    practice = ""
    for row in table.rows():
        if isinstance(row, Quarantined):
            raise FeedRefused(name, row.rule, "the sharing agreement cannot be read", row=row.row, field=row.field)
        cells = _cells(table, row)
        for column, stops in (("Disabled", "true"), ("Deleted", "true"), ("IsActivated", "false")):
            if cells[column].lower() == stops:
                said = "the sharing agreement is off: nothing of this extract may be applied, deletes least of all"
                raise FeedRefused(name, "sharing-disabled", said, row=row.number, field=column)
        found = lookups.organisations.get(guid(cells["OrganisationGuid"]), "")
        if not found or practice not in {"", found}:
            said = "not the one practice of this folder, by Admin_Organisation"
            raise FeedRefused(name, "unknown-organisation", said, row=row.number, field="OrganisationGuid")
        practice = found
    if not practice:
        raise FeedRefused(name, "no-agreement", "holds no sharing agreement", row=2, field="OrganisationGuid")
    return practice


def _organisations(table: Table, lookups: Lookups) -> list[Row | Quarantined]:
    """Learn the ODS codes of the organisations, which are few, and keep their rows."""
    held = list(in_order(table))
    for row in held:
        if not isinstance(row, Quarantined):
            cells = _cells(table, row)
            if cells["OrganisationGuid"]:
                lookups.organisations[guid(cells["OrganisationGuid"])] = cells["ODSCode"].upper()
    return held


@dataclass(slots=True)
class _Made:
    """What one row came to."""

    key: str
    person: str = ""
    occurred: str = ""
    resources: tuple[Resource, ...] = ()
    deleted: tuple[str, ...] = ()
    type1: str = ""


@dataclass(slots=True)
class _Reader:
    tables: dict[str, Table]
    lookups: Lookups
    practice: str
    sensitive: frozenset[str]
    _dummies: set[str] = field(default_factory=set)
    _waiting: set[str] = field(default_factory=set)
    _tombstones: set[str] = field(default_factory=set)

    def items(self, organisations: list[Row | Quarantined]) -> Iterator[Item]:
        """Give every item of the extract, table by table."""
        yield from self._table(extract.ORGANISATION, "organisation", self._organisation, organisations)
        yield from self._learn(extract.CLINICAL_CODE, self.lookups.add_clinical)
        yield from self._learn(extract.DRUG_CODE, self.lookups.add_drug)
        yield from self._table(extract.PATIENT, "patient", self._patient)
        yield from self._table(extract.CONSULTATION, "consultation", self._consultation)
        problems = list(in_order(self.tables[extract.PROBLEM])) if extract.PROBLEM in self.tables else []
        self._note_problems(problems)
        yield from self._table(extract.OBSERVATION, "observation", self._observation)
        yield from self._table(extract.PROBLEM, "problem", self._problem, problems)
        yield from self._table(extract.DRUG_RECORD, "drug", self._drug)
        yield from self._table(extract.ISSUE_RECORD, "issue", self._issue)

    def _learn(self, name: str, take: Callable[[Cells], None]) -> Iterator[Quarantined]:
        if name not in self.tables:
            return
        table = self.tables[name]
        for row in in_order(table):
            if isinstance(row, Quarantined):
                yield row
            else:
                cells = _cells(table, row)
                if cells["CodeId"]:
                    take(cells)
                else:
                    yield _quarantined(table, row, BadField("CodeId", "blank-mandatory", "blank, and it is the key"))

    def _table(
        self, name: str, kind: str, make: Callable[[Cells], _Made], rows: list[Row | Quarantined] | None = None
    ) -> Iterator[Item]:
        if name not in self.tables:
            return
        table = self.tables[name]
        for row in in_order(table) if rows is None else rows:
            if isinstance(row, Quarantined):
                yield row
                continue
            cells = _cells(table, row)
            try:
                yield self._record(table, row, kind, self._checked(cells, make))
            except BadField as fault:
                yield _quarantined(table, row, fault, guid(cells[table.header[0]]))

    def _checked(self, cells: Cells, make: Callable[[Cells], _Made]) -> _Made:
        """Check what every table shares, then make the row's record."""
        owner = cells["OrganisationGuid"]
        if owner and guid(owner) not in self.lookups.organisations:
            raise BadField("OrganisationGuid", "unknown-organisation", "not among the organisations sent")
        if guid(cells.get("PatientGuid", "")) in self._dummies:
            raise BadField("PatientGuid", "test-patient", "belongs to a dummy patient")
        made = make(cells)
        if not made.key:
            raise BadField("key", "blank-mandatory", "the key of the row is blank")
        return made

    def _record(self, table: Table, row: Row, kind: str, made: _Made) -> SourceRecord:
        return SourceRecord(
            source=SOURCE,
            organisation=self.practice,
            kind=kind,
            local_id=f"{kind}:{made.key}",
            person_ref=made.person,
            feed=table.feed.name,
            row=row.number,
            original=row.original,
            content_hash=hashlib.sha256(row.original).hexdigest(),
            occurred=in_utc(made.occurred),
            resources=made.resources,
            deleted=made.deleted,
            type1=made.type1,
            header=table.header_line,
        )

    def _organisation(self, cells: Cells) -> _Made:
        if not cells["ODSCode"]:
            return _Made(guid(cells["OrganisationGuid"]))
        return _Made(guid(cells["OrganisationGuid"]), resources=(people.organisation(cells),))

    def _patient(self, cells: Cells) -> _Made:
        ref = guid(cells["PatientGuid"])
        if _is_deleted(cells):
            return _Made(ref, ref, deleted=(f"Patient/{ukcore.person_id(SOURCE, self.practice, ref)}",))
        if boolean(cells["DummyType"], "DummyType"):
            self._dummies.add(ref)
            raise BadField("DummyType", "test-patient", "a dummy patient, not a person")
        return _Made(ref, ref, cells["DateOfRegistration"], people.patient(cells, self.practice, ref))

    def _consultation(self, cells: Cells) -> _Made:
        key = guid(cells["ConsultationGuid"])
        if _is_deleted(cells):
            return self._gone(cells, key, (f"Encounter/{people.encounter_id(self.practice, key)}",))
        ref = _owner(cells)
        made = people.consultation(cells, self.practice, key, ref)
        return _Made(key, ref, people.effective(cells), (made,))

    def _note_problems(self, rows: list[Row | Quarantined]) -> None:
        """Remember the problems before the entries they name are read."""
        table = self.tables.get(extract.PROBLEM)
        for row in rows:
            if table is None or isinstance(row, Quarantined):
                continue
            # a row that cannot be used is quarantined when its turn comes; its entry is then a plain one
            with suppress(BadField):
                cells = _cells(table, row)
                key = guid(cells["ObservationGuid"])
                self._waiting.add(key)
                if check_problem(cells):
                    self.lookups.problems[key] = cells
                else:
                    self.lookups.problems.pop(key, None)

    def _observation(self, cells: Cells) -> _Made:
        key = guid(cells["ObservationGuid"])
        if _is_deleted(cells):
            self.lookups.entries.pop(key, None)
            self._tombstones.add(key)
            identity = entry_id(self.practice, key)
            return self._gone(cells, key, tuple(f"{kind}/{identity}" for kind in TYPES))
        ref = _owner(cells)
        made = self._entry(cells, key)
        if key in self._waiting or key in self.lookups.problems:
            self.lookups.entries[key] = cells
        occurred = made.recorded or made.when
        return _Made(key, ref, occurred, (made.resource(),), type1=made.meaning.type1)

    def _entry(self, cells: Cells, key: str) -> Entry:
        meaning = self.lookups.meaning(cells["CodeId"])
        return Entry(cells, meaning, self.practice, self.lookups.problems.get(key), self._labels(meaning))

    def _problem(self, cells: Cells) -> _Made:
        """Make the same Condition as the entry that the problem names; without the entry there is nothing to say."""
        key = guid(cells["ObservationGuid"])
        gone = not check_problem(cells)
        entry = self.lookups.entries.get(key)
        if gone and key in self._tombstones:
            return self._gone(cells, key, (f"Condition/{entry_id(self.practice, key)}",))
        if entry is None:
            said = "names an entry that was not in this extract nor remembered from an earlier one"
            raise BadField("ObservationGuid", "unknown-observation", said)
        made = self._entry(entry, key)
        return _Made(key, guid(entry["PatientGuid"]), made.recorded or made.when, (made.resource(),))

    def _drug(self, cells: Cells) -> _Made:
        key = guid(cells["DrugRecordGuid"])
        if _is_deleted(cells):
            statement, plan = medicines.ids(self.practice, "course", key)
            return self._gone(cells, key, (f"MedicationStatement/{statement}", f"MedicationRequest/{plan}"))
        meaning = self.lookups.drug(cells["CodeId"])
        made = medicines.course(Prescribed(cells, meaning, self.practice, self._labels(meaning)))
        return _Made(key, _owner(cells), people.entered(cells) or people.effective(cells), made)

    def _issue(self, cells: Cells) -> _Made:
        key = guid(cells["IssueRecordGuid"])
        if _is_deleted(cells):
            return self._gone(cells, key, (f"MedicationRequest/{medicines.ids(self.practice, 'issue', key)[1]}",))
        meaning = self.lookups.drug(cells["CodeId"])
        made = medicines.issue(Prescribed(cells, meaning, self.practice, self._labels(meaning)))
        return _Made(key, _owner(cells), people.entered(cells) or people.effective(cells), made)

    def _labels(self, meaning: Meaning) -> list[Resource]:
        return [ukcore.SENSITIVE] if meaning.codes & self.sensitive else []

    @staticmethod
    def _gone(cells: Cells, key: str, deleted: tuple[str, ...]) -> _Made:
        return _Made(key, guid(cells["PatientGuid"]), deleted=deleted)


def _is_deleted(cells: Cells) -> bool:
    return boolean(cells.get("Deleted", ""), "Deleted")


def _owner(cells: Cells) -> str:
    if not cells["PatientGuid"]:
        raise BadField("PatientGuid", "blank-mandatory", "blank, and it says whose row this is")
    return guid(cells["PatientGuid"])


def _quarantined(table: Table, row: Row, fault: BadField, key: str = "") -> Quarantined:
    return Quarantined(
        table.feed.name, row.number, fault.field, fault.rule, str(fault), row.original, key, header=table.header_line
    )
