"""Use case: a release. Population by the agreement, pseudonyms in its own domain, disclosure control, signed manifest.

Files are written aside and the folder renamed when whole. The same period asked again gives the same release.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import duckdb
import pyarrow as pa

from gateway.errors import InputError
from gateway.services.progress import silent
from gateway.services.releases.events import RELEASED, EventRow, event_of
from gateway.services.releases.manifest import file_entry, write_manifest
from gateway.services.releases.people import PersonRow, people_of
from gateway.services.releases.retired import retired
from gateway.storage.releases import Release
from ig.decide import Population
from ig.decision import Duty
from ig.purpose import Dataset, Level, Purpose
from linkage.pseudonym import Domain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.storage.records import Member
    from ig.terms import Agreement

_NAMESPACE: Final = UUID("7b8a1c0e-91d3-5c6f-a1f4-0d5e9b2c7f60")
_DATASETS: Final = frozenset({Dataset.GP, Dataset.SOCIAL_CARE, Dataset.ACUTE})
_COLUMNS: Final = frozenset(
    {
        *("pseudonym", "birth_year", "age_band", "gender"),
        *("event_type", "event_week", "code", "provider_class", "service_type", "length_of_stay"),
    }
)
_LEAST: Final = 8


@dataclass(frozen=True, slots=True)
class BuiltRelease:
    """What was built: files with their rows, and who was left out by reason."""

    release_id: str
    folder: str
    files: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, int], ...]
    already: bool = False


def listing(house: House) -> list[Release]:
    """Every release, newest first."""
    return house.stores.releases.list()


def build_release(
    house: House, caller: Caller, agreement_id: str, period: str, report: Report = silent
) -> BuiltRelease:
    """Build the release of ``period`` (``YYYY-MM``) that ``agreement_id`` grants its recipient.

    Raises:
        InputError: no such agreement with a project, or the period is not a month.
        NotPermitted: the caller may not build it, or something it rests on has lapsed.
        Unavailable: a store or the ledger cannot serve; no release is left behind.
    """
    terms = _terms(house, agreement_id)
    recipient = _recipient(terms)
    on = _month(period)
    release_id = str(uuid5(_NAMESPACE, f"{terms.id}|{recipient}|{terms.project}|{period}"))
    folder = house.settings.releases_dir / release_id
    aside = house.settings.releases_dir / f".{release_id}.part"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        with house.gate.permit(
            caller,
            level=Level.PSEUDONYMISED,
            datasets=_DATASETS,
            fields=_COLUMNS,
            subject=Population(),
            job=release_id,
        ) as passage:
            held = house.stores.releases.get(release_id)
            if held is not None:
                return _built(held, already=True)
            domain = Domain(terms.id, recipient, terms.project, f"v{terms.version}")
            manifest = _Run(house, passage, domain, on).write(aside, report)
            manifest |= {"release": release_id, "recipient": recipient, "period": period}
            write_manifest(house, aside, manifest)
        # a folder without its row is what a crash between the two left: it was never given to anybody
        shutil.rmtree(folder, ignore_errors=True)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    rows = sum(entry["rows"] for entry in manifest["files"])
    release = Release(release_id, manifest["agreement"], recipient, period, "built", rows, manifest, house.now())
    with house.stores.transaction() as tx:
        house.stores.releases.add(tx, release)
    return _built(release)


def _terms(house: House, agreement_id: str) -> Agreement:
    found = [live.terms for live in house.register().effective(house.now()).live if live.terms.id == agreement_id]
    if not found or not found[0].project:
        raise InputError("--agreement: no agreement in force with a project has this id", reason="agreement")
    return found[0]


def _recipient(terms: Agreement) -> str:
    """The one organisation whose analysts are granted the project."""
    named = {
        ods
        for grant in terms.all_grants()
        if grant.purpose is Purpose.ANALYTICS and not grant.recipients.callers
        for ods in grant.recipients.organisations
    }
    if len(named) != 1:
        raise InputError("--agreement: a release has exactly one recipient", reason="recipient")
    return named.pop()


def _month(period: str) -> date:
    try:
        return date.fromisoformat(f"{period}-01")
    except ValueError:
        raise InputError("--period: a month as YYYY-MM", reason="period", field="period") from None


@dataclass(frozen=True, slots=True)
class _Run:
    """One release in the making: under which permit, in which domain of pseudonyms, with ages at which day."""

    house: House
    passage: Passage
    domain: Domain
    on: date

    def write(self, folder: Path, report: Report) -> dict[str, Any]:
        """Write the files and return what the manifest says of them."""
        records, permit = self.house.stores.records, self.passage.permit
        members = records.population(permit)
        people = list(people_of(self.house, permit, members, self.domain, self.on))
        report(len(people), None)
        events = [event for resource in records.linked(permit, RELEASED) if (event := event_of(resource))]
        report(len(people) + len(events), None)
        with duckdb.connect() as engine:
            engine.execute("SET threads TO 2")
            engine.register("person_row", _table(PersonRow, people))
            engine.register("event_row", _table(EventRow, events))
            files = _copy(engine, folder, _least(self.passage))
        self.passage.disclose((one.person_id for one in people), rows=sum(entry["rows"] for entry in files))
        return self._manifest(members, files) | self._retired(members)

    def _retired(self, members: Sequence[Member]) -> dict[str, Any]:
        """Which pseudonyms of earlier releases are retired, where the agreement has a release say so."""
        if Duty.NAME_RETIRED_PSEUDONYMS not in self.passage.decision.obligations:
            return {}
        return {"retired_pseudonyms": retired(self.house, self.passage.permit, members, self.domain)}

    def _manifest(self, members: Sequence[Member], files: list[dict[str, Any]]) -> dict[str, Any]:
        decision = self.passage.decision
        return {
            "agreement": decision.agreement,
            "grant": decision.grant,
            "project": self.domain.project,
            "epoch": self.domain.epoch,
            "providers": sorted(decision.providers),
            "row_filters": [":".join((kept.kind, *kept.values)) for kept in decision.row_filters],
            "people": {
                "with_number": sum(bool(member.nhs_number) for member in members),
                "without_number": sum(not member.nhs_number for member in members),
            },
            "left_out": {"opted-out, restricted or not provided": self.house.stores.records.joined() - len(members)},
            "files": files,
        }


def _least(passage: Passage) -> int:
    stated = [duty.partition(":")[2] for duty in passage.decision.obligations if duty.startswith(Duty.MIN_CELL)]
    return max([_LEAST, *map(int, stated)])


def _table(kind: type[PersonRow | EventRow], rows: Iterable[PersonRow | EventRow]) -> pa.Table:
    listed = [asdict(row) for row in rows]
    schema = pa.schema([(column.name, _ARROW[str(column.type)]) for column in fields(kind)])
    return pa.Table.from_pylist(listed, schema=schema)


_ARROW: Final = {
    "str": pa.string(),
    "str | None": pa.string(),
    "int | None": pa.int32(),
    "date | None": pa.date32(),
}

# A year of birth or a code that fewer of the released people than the agreement's minimum share is withheld, not
# coarsened until it fits: who was left out of the release does not make up the number.
_PEOPLE_SQL: Final = """
SELECT pseudonym,
       CASE WHEN count(*) OVER (PARTITION BY birth_year, gender) >= $least THEN birth_year END AS birth_year,
       CASE WHEN count(*) OVER (PARTITION BY age_band, gender) >= $least THEN age_band END AS age_band,
       CASE WHEN count(*) OVER (PARTITION BY gender) >= $least THEN gender ELSE 'unknown' END AS gender
FROM person_row ORDER BY pseudonym
"""
_EVENTS_SQL: Final = """
WITH released AS (
    SELECT p.pseudonym, e.* EXCLUDE (person_id) FROM event_row e JOIN person_row p USING (person_id)
), common AS (
    SELECT code FROM released WHERE code IS NOT NULL GROUP BY code HAVING count(DISTINCT pseudonym) >= $least
), usual AS (
    SELECT service_type FROM released WHERE service_type IS NOT NULL
    GROUP BY service_type HAVING count(DISTINCT pseudonym) >= $least
)
SELECT pseudonym, event_type, event_week, common.code, provider_class, usual.service_type, length_of_stay
FROM released LEFT JOIN common USING (code) LEFT JOIN usual USING (service_type)
ORDER BY pseudonym, event_week, event_type, common.code
"""


def _copy(engine: duckdb.DuckDBPyConnection, folder: Path, least: int) -> list[dict[str, Any]]:
    written = []
    for name, sql in (("people.parquet", _PEOPLE_SQL), ("events.parquet", _EVENTS_SQL)):
        target = folder / name
        engine.execute(f"CREATE TEMP TABLE {target.stem} AS {sql}", {"least": least})
        engine.execute(f"COPY {target.stem} TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        rows = engine.execute(f"SELECT count(*) FROM {target.stem}").fetchall()[0][0]  # noqa: S608 - our own names
        written.append(file_entry(target, rows))
    return written


def _built(release: Release, *, already: bool = False) -> BuiltRelease:
    return BuiltRelease(
        release.release_id,
        release.release_id,
        tuple((entry["name"], entry["rows"]) for entry in release.manifest["files"]),
        tuple(release.manifest["left_out"].items()),
        already,
    )
