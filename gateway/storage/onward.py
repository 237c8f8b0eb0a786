"""Questions to the national services, their last word on each record, and what each source was last told.

A question is remembered before the file that asks it appears, and an answer comes home by its reference alone. The
words of an answer are those of ``adapters.spine.tracing.Meaning``.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.storage.permit import require
from gateway.storage.schema import now
from gateway.storage.schema.base import day, utc

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.permit import Permit


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question about one record, as it is asked: for which details, and about which number, if any."""

    reference: str
    source_person_id: str
    demographics_hash: str
    nhs_number: str
    service: str
    file: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """A question as stored. ``meaning``, ``code`` and ``found`` are the answer's; all empty while there is none."""

    reference: str
    source_person_id: str
    demographics_hash: str
    nhs_number: str
    service: str
    file: int
    meaning: str
    code: str
    found: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """The last word of a national service on one record.

    ``nhs_number`` is the number to use from now on, or empty; ``status`` the NHS number status indicator; ``as_of``
    the day the question was asked: the answer is no older.
    """

    source_person_id: str
    reference: str
    demographics_hash: str
    asked_number: str
    nhs_number: str
    status: str
    meaning: str
    code: str
    restricted: bool
    service: str
    as_of: date


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record as a question or a changes-only file needs it.

    ``own`` is the number that the source gave, ``linked`` that of the person it is joined to, on ``basis``; any may
    be empty. ``outcome`` is the latest trace's.
    """

    source_person_id: str
    source: str
    organisation: str
    person_ref: str
    demographics_hash: str
    own: str
    linked: str
    person_id: str
    basis: str
    outcome: str

    @property
    def number(self) -> str:
        """The number the record has here: that of its person, or else its own."""
        return self.linked or self.own


@dataclass(frozen=True, slots=True)
class Told:
    """What a source was told of one of its records; ``checked_on`` is an ISO date, or empty."""

    source_person_id: str
    source: str
    organisation: str
    old_number: str
    nhs_number: str
    status: str
    against: str
    checked_on: str
    batch: int


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A row of a changes-only file: the source's own id of the record, and what to hold from now on."""

    person_ref: str
    old_number: str
    nhs_number: str
    status: str
    against: str
    checked_on: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer says: its meaning, the file's own code, and the number it names, if any."""

    reference: str
    meaning: str
    code: str
    found: str


_QUESTION: Final = (
    "reference, source_person_id, demographics_hash, nhs_number, service, file, meaning, code, found, asked_at"
)
_CHECK: Final = (
    "source_person_id",
    "reference",
    "demographics_hash",
    "asked_number",
    "nhs_number",
    "status",
    "meaning",
    "code",
    "restricted",
    "service",
    "as_of",
)
_TOLD: Final = (
    "source_person_id",
    "source",
    "organisation",
    "old_number",
    "nhs_number",
    "status",
    "against",
    "checked_on",
    "batch",
)
# a person known only by records has no number, so the join to ``person`` gives none
_NUMBERED: Final = (
    "SELECT s.source_person_id, s.source, s.organisation, s.person_ref, s.demographics_hash, s.nhs_number, "
    "COALESCE(p.nhs_number, ''), COALESCE(l.person_id, ''), COALESCE(l.basis, ''), COALESCE(t.outcome, '') "
    "FROM source_person s LEFT JOIN live_link l ON l.source_person_id = s.source_person_id "
    "LEFT JOIN person p ON p.person_id = l.person_id "
    "LEFT JOIN trace_result t ON t.source_person_id = s.source_person_id "
    "LEFT JOIN number_check c ON c.source_person_id = s.source_person_id "
    "WHERE s.demographics_hash <> '' AND s.retired_into IS NULL AND s.source_person_id > ? "
)
_IN_ORDER: Final = " ORDER BY s.source_person_id LIMIT ?"
_CHANGED: Final = (
    "AND ((c.source_person_id IS NOT NULL AND c.demographics_hash <> s.demographics_hash) OR "
    "(c.source_person_id IS NULL AND t.outcome = 'matched' AND t.demographics_hash <> '' "
    "AND t.demographics_hash <> s.demographics_hash)) "
)
_UNVERIFIED: Final = (
    "AND COALESCE(p.nhs_number, s.nhs_number) <> '' AND NOT (c.source_person_id IS NOT NULL AND c.status = '01' "
    "AND c.as_of >= ? AND c.nhs_number = COALESCE(p.nhs_number, s.nhs_number)) "
)


class Onward:
    """The repository of what goes on to the national services and comes back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- questions -----------------------------------------------------------------------------------------------

    def last_file(self) -> int:
        """Return the number of the last file written, 0 before the first; a figure only, so no permit."""
        with self._database.read() as view:
            return int(view.raw("SELECT COALESCE(max(file), 0) FROM onward_question")[0][0])

    def ask(self, tx: Tx, questions: Sequence[NewQuestion]) -> None:
        """Remember questions; one that is there already stays as it is."""
        columns = (*_QUESTION.split(", "),)
        at = now().isoformat()
        rows = [(*astuple(one), "", "", "", at) for one in questions]
        tx.merge("onward_question", columns, rows, "DO NOTHING")

    def forget_files(self, tx: Tx, first: int) -> int:
        """Forget the questions of files that never appeared: those numbered ``first`` or above. Returns how many."""
        return tx.change("DELETE FROM onward_question WHERE file >= ? AND meaning = ''", (first,))

    def questions(self, permit: Permit, references: Collection[str]) -> dict[str, Question]:
        """Return those of these references that were ever sent."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT {_QUESTION} FROM onward_question WHERE {view.among('reference')}"  # noqa: S608 - our own names
            return {row[0]: _question(row) for row in view.raw(sql, (view.listed(sorted(references)),))}

    def last_asked(self, permit: Permit, source_people: Collection[str]) -> dict[str, Question]:
        """Return the latest question about each of these source people, of those asked about."""
        require(permit)
        with self._database.read() as view:
            sql = (
                f"SELECT {_QUESTION} FROM onward_question WHERE {view.among('source_person_id')} "  # noqa: S608 - our own names
                "ORDER BY asked_at, reference"
            )
            return {row[1]: _question(row) for row in view.raw(sql, (view.listed(sorted(source_people)),))}

    def answer(self, tx: Tx, answers: Sequence[Answered]) -> None:
        """Record what was answered; a question that has its answer keeps it."""
        at = now().isoformat()
        sql = (
            "UPDATE onward_question SET meaning = ?, code = ?, found = ?, answered_at = ? "
            "WHERE reference = ? AND meaning = ''"
        )
        tx.many(sql, [(one.meaning, one.code, one.found, at, one.reference) for one in answers])

    def waiting(self) -> dict[str, int]:
        """Return how many questions of each service have no answer yet; figures only, so no permit."""
        sql = "SELECT service, count(*) FROM onward_question WHERE meaning = '' GROUP BY service ORDER BY service"
        with self._database.read() as view:
            return dict(view.raw(sql))

    # --- the last word -------------------------------------------------------------------------------------------

    def check(self, tx: Tx, checks: Sequence[Check]) -> None:
        """Store what a service said in place of what was said before."""
        rows = [(*astuple(one)[:-1], one.as_of.isoformat()) for one in checks]
        sets = ",".join(f"{name}=excluded.{name}" for name in _CHECK[1:])
        tx.merge("number_check", _CHECK, rows, f"(source_person_id) DO UPDATE SET {sets}")

    def checks(self, permit: Permit, source_people: Collection[str]) -> dict[str, Check]:
        """Return the last word on each of these source people, of those there is one on."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT {','.join(_CHECK)} FROM number_check WHERE {view.among('source_person_id')}"  # noqa: S608
            return {row[0]: _check(row) for row in view.raw(sql, (view.listed(sorted(source_people)),))}

    def restricted(self, permit: Permit, person_id: str) -> date | None:
        """Return the day on which a national service last called somebody restricted, by their records; None: never."""
        require(permit)
        sql = (
            "SELECT max(c.as_of) FROM live_link l JOIN number_check c ON c.source_person_id = l.source_person_id "
            "WHERE l.person_id = ? AND c.restricted"
        )
        ((as_of,),) = self._database.ask(sql, (person_id,))
        return day(as_of) if as_of is not None else None

    def may_be_restricted(self, permit: Permit, source_people: Collection[str]) -> set[str]:
        """Return those of these source people with an open case in which the index has somebody restricted."""
        require(permit)
        with self._database.read() as view:
            opened = "SELECT source_person_id, candidates FROM review_case WHERE state = 'open' AND "
            cases = view.raw(opened + view.among("source_person_id"), (view.listed(sorted(source_people)),))
            near: dict[str, set[str]] = {}
            for name, packed in cases:
                near.setdefault(name, set()).update(one[0] for one in orjson.loads(bytes(packed)))
            people = sorted({person for found in near.values() for person in found})
            sql = f"SELECT person_id FROM index_person WHERE security IN ('R', 'V') AND {view.among('person_id')}"  # noqa: S608
            hidden = {row[0] for row in view.raw(sql, (view.listed(people),))}
        return {name for name, found in near.items() if found & hidden}

    # --- whom to ask about ---------------------------------------------------------------------------------------

    def changed(self, permit: Permit, whose: Whose, after: str = "", limit: int = 500) -> list[Numbered]:
        """Return records whose compared details are others than those they were last settled by, by id."""
        return self._numbered(permit, whose, _CHANGED, (after,), limit)

    def unverified(
        self, permit: Permit, whose: Whose, since: date, after: str = "", limit: int = 500
    ) -> list[Numbered]:
        """Return records with a number that no national service has confirmed since a day, by id."""
        return self._numbered(permit, whose, _UNVERIFIED, (after, since.isoformat()), limit)

    def records(self, permit: Permit, whose: Whose, after: str = "", limit: int = 500) -> list[Numbered]:
        """Return every record with details, by id."""
        return self._numbered(permit, whose, "", (after,), limit)

    def _numbered(
        self, permit: Permit, whose: Whose, condition: str, values: tuple[object, ...], limit: int
    ) -> list[Numbered]:
        require(permit)
        with self._database.read() as view:
            more, listed = whose.condition(view)
            rows = view.raw(_NUMBERED + condition + more + _IN_ORDER, (*values, *listed, limit))
        return [Numbered(*row) for row in rows]

    def numbered(self, permit: Permit, source_people: Collection[str]) -> dict[str, Numbered]:
        """Return these records, of those with details and not merged away."""
        require(permit)
        with self._database.read() as view:
            sql = f"{_NUMBERED} AND {view.among('s.source_person_id')}"
            rows = view.raw(sql, ("", view.listed(sorted(source_people))))
        return {row[0]: Numbered(*row) for row in rows}

    # --- what sources were told ----------------------------------------------------------------------------------

    def tell(self, tx: Tx, rows: Sequence[Told]) -> None:
        """Store what a source is being told, in place of what it was told before."""
        sets = ",".join(f"{name}=excluded.{name}" for name in _TOLD[1:])
        tx.merge("told_number", _TOLD, [astuple(one) for one in rows], f"(source_person_id) DO UPDATE SET {sets}")

    def told(self, permit: Permit, source_people: Collection[str]) -> dict[str, Told]:
        """Return what was last said of each of these source people."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT {','.join(_TOLD)} FROM told_number WHERE {view.among('source_person_id')}"  # noqa: S608
            return {row[0]: Told(*row) for row in view.raw(sql, (view.listed(sorted(source_people)),))}

    def told_in(  # noqa: PLR0913, PLR0917 - a page of one file of one source
        self, permit: Permit, source: str, organisation: str, batch: int, after: str = "", limit: int = 1000
    ) -> list[tuple[str, ToldRow]]:
        """Return (source person, row) of one changes-only file, by id after ``after``."""
        require(permit)
        sql = (
            "SELECT n.source_person_id, s.person_ref, n.old_number, n.nhs_number, n.status, n.against, n.checked_on "
            "FROM told_number n JOIN source_person s ON s.source_person_id = n.source_person_id "
            "WHERE n.source = ? AND n.organisation = ? AND n.batch = ? AND n.source_person_id > ? "
            "ORDER BY n.source_person_id LIMIT ?"
        )
        with self._database.read() as view:
            rows = view.raw(sql, (source, organisation, batch, after, limit))
        return [(row[0], ToldRow(*row[1:])) for row in rows]


@dataclass(frozen=True, slots=True)
class Whose:
    """Which records: of these sources (none named: of all), of these organisations (None: of all)."""

    sources: frozenset[str] = frozenset()
    organisations: frozenset[str] | None = None

    def condition(self, view: Reading) -> tuple[str, tuple[object, ...]]:
        """Return the condition and its values."""
        named = [("s.source", self.sources)] if self.sources else []
        if self.organisations is not None:
            named.append(("s.organisation", self.organisations))
        return "".join(f" AND {view.among(column)}" for column, _ in named), tuple(
            view.listed(sorted(values)) for _, values in named
        )


def _question(row: tuple[Any, ...]) -> Question:
    values = (*row[:9], utc(row[9]))
    return Question(*values)


def _check(row: tuple[Any, ...]) -> Check:
    values = (*row[:8], bool(row[8]), row[9], day(row[10]))
    return Check(*values)
