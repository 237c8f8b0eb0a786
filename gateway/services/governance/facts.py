"""Load the facts that decisions rest on: organisations, relationships, opt-outs, assurance, protected identities.

Fact files are CSV ``kind,subject,value,source,as_of,expires``; subjects are NHS numbers or ODS codes. A file replaces
all facts of its kind: whoever is not on the new list is off it. NHS numbers become person ids here and go no further.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gateway.errors import InputError
from gateway.ids import person_id
from gateway.services.files import named
from gateway.storage.factkinds import ASSURANCE, NEVER_LINK, RELATIONSHIP, opt_out
from gateway.storage.facts import Organisation, StoredFact
from gateway.storage.jobs import INDEX_LOAD
from ig.optouts import NATIONAL, OPTED_OUT
from ig.purpose import OrgClass
from ig.relationships import RelationshipKind
from ig.schema import DSPT
from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gateway.house import House

_LONDON: Final = ZoneInfo("Europe/London")
_FACT_COLUMNS: Final = ("kind", "subject", "value", "source", "as_of", "expires")
_ORGANISATION_COLUMNS: Final = ("ods", "name", "org_class", "parent", "postcode")
_LARGEST: Final = 5_000_000


def load_organisations(house: House, path: Path) -> int:
    """Load organisations from CSV ``ods,name,org_class,parent,postcode``. Returns how many.

    Raises:
        InputError: names the row and the column at fault.
    """
    organisations = [_organisation(path, number, row) for number, row in _rows(path, _ORGANISATION_COLUMNS)]
    with house.stores.transaction() as tx:
        return house.stores.governance.organisations.put_many(tx, organisations)


def _organisation(path: Path, number: int, row: dict[str, str]) -> Organisation:
    if row["org_class"] not in frozenset(OrgClass):
        raise _fault(path, number, "org_class", f"one of {', '.join(OrgClass)}")
    detail = {"parent": row["parent"], "postcode": row["postcode"]}
    return Organisation(row["ods"], row["name"], row["org_class"], detail)


def load_facts(house: House, kind: str, path: Path) -> int:
    """Load one kind of fact, in place of all of that kind. Returns how many.

    Raises:
        InputError: the kind is not known, or a row breaks a rule; names the row and the column, never the subject.
    """
    make = _KINDS.get(kind)
    if make is None:
        raise InputError(f"KIND: one of {', '.join(_KINDS)}", reason="fact-kind", field="kind")
    stored_kind, of_row = make
    facts = []
    for number, row in _rows(path, _FACT_COLUMNS):
        if row["kind"] != kind:
            raise _fault(path, number, "kind", kind)
        subject, value = of_row(path, number, row)
        facts.append(StoredFact(stored_kind, subject, value, row["source"], *_standing(path, number, row)))
    store = house.stores.governance.facts
    if kind == NEVER_LINK:
        return _seal(house, facts)
    with house.stores.transaction() as tx:
        # relationships of other kinds share the store's kind and stay as they are
        others = [one for one in store.of_kind(RELATIONSHIP) if _tie(one.value) != _TIES[kind]] if kind in _TIES else []
        return store.replace(tx, stored_kind, [*others, *facts]) - len(others)


def _seal(house: House, facts: list[StoredFact]) -> int:
    """Store protected identities and take what new ones seal out of the index in the same breath, as a load of its own.

    A list loaded again seals nobody anew, and nobody is traced again for it.
    """
    stores = house.stores
    store = stores.governance.facts
    held = {(one.subject, one.value) for one in store.of_kind(NEVER_LINK)}
    fresh = {person for one in facts if (one.subject, one.value) not in held for person in (one.subject, one.value)}
    if not fresh:
        with stores.transaction() as tx:
            return store.replace(tx, NEVER_LINK, facts)
    job = stores.jobs.start_or_resume(INDEX_LOAD, "index")
    with stores.transaction() as tx:
        count = store.replace(tx, NEVER_LINK, facts)
        stores.index.protect(tx, fresh, load=job.run)
        stores.jobs.finish(tx, job)
    return count


def _tie(value: str) -> str:
    """The kind of relationship in ``ODS:kind`` or ``ODS:kind:staff``."""
    return value.split(":")[1]


def _caseload(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    organisation, _, staff = row["value"].rpartition(":")
    if not staff:
        # without a name the whole organisation would have the person on its caseload
        raise _fault(path, number, "value", "a member of staff, alone or after ODS:")
    organisation = organisation or row["source"]
    return _person(path, number, row), f"{organisation}:{RelationshipKind.CASELOAD}:{staff}"


def _episode(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    return _person(path, number, row), f"{_ods(path, number, row)}:{RelationshipKind.EPISODE}"


def _referral(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    staff = row["value"].partition(":")[2]
    tail = f":{staff}" if staff else ""
    return _person(path, number, row), f"{_ods(path, number, row)}:{RelationshipKind.REFERRAL}{tail}"


def _ods(path: Path, number: int, row: dict[str, str]) -> str:
    organisation = row["value"].partition(":")[0]
    if not organisation:
        raise _fault(path, number, "value", "an ODS code, alone or before what follows a colon")
    return organisation


def _opted_out(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    return _person(path, number, row), _one_of(path, number, row, (OPTED_OUT,))


def _never(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    """A protected identity: records under the former number are never the person of today."""
    return _person(path, number, row, "value"), _person(path, number, row)


def _assurance(path: Path, number: int, row: dict[str, str]) -> tuple[str, str]:
    return row["subject"], _one_of(path, number, row, DSPT)


def _one_of(path: Path, number: int, row: dict[str, str], values: Sequence[str]) -> str:
    if row["value"] not in values:
        raise _fault(path, number, "value", f"one of {', '.join(values)}")
    return row["value"]


_KINDS: Final[dict[str, tuple[str, Callable[[Path, int, dict[str, str]], tuple[str, str]]]]] = {
    "caseload": (RELATIONSHIP, _caseload),
    "ward-episode": (RELATIONSHIP, _episode),
    "referral": (RELATIONSHIP, _referral),
    "national-opt-out": (opt_out(NATIONAL), _opted_out),
    "dspt": (ASSURANCE, _assurance),
    "never-link": (NEVER_LINK, _never),
}
_TIES: Final = {
    "caseload": RelationshipKind.CASELOAD,
    "ward-episode": RelationshipKind.EPISODE,
    "referral": RelationshipKind.REFERRAL,
}


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    with named(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path.name}: the file is empty", reason="empty", field="path")
        opened = path.open(encoding="utf-8-sig", newline="")
    with opened:
        try:
            reader = csv.DictReader(opened, strict=True)
            if tuple(reader.fieldnames or ()) != columns:
                raise InputError(f"{path.name}, row 1: columns {','.join(columns)}", reason="header", field="header")
            for number, row in enumerate(reader, 2):
                if None in row or None in row.values():
                    raise _fault(path, number, "row", f"{len(columns)} columns")
                if number > _LARGEST:
                    raise _fault(path, number, "row", f"at most {_LARGEST:,} rows")
                yield number, row
        except (UnicodeDecodeError, csv.Error):
            raise InputError(f"{path.name}: not UTF-8 CSV", reason="encoding", field="path") from None


def _person(path: Path, number: int, row: dict[str, str], column: str = "subject") -> str:
    try:
        return person_id(NhsNumber.parse(row[column]))
    except NotAnNhsNumber as fault:
        raise _fault(path, number, column, f"an NHS number ({fault.fault})") from None


def _standing(path: Path, number: int, row: dict[str, str]) -> tuple[datetime, datetime | None]:
    as_of = _instant(path, number, "as_of", row["as_of"])
    return as_of, _instant(path, number, "expires", row["expires"]) if row["expires"] else None


def _instant(path: Path, number: int, column: str, text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, _LONDON).astimezone(UTC)
    except ValueError:
        raise _fault(path, number, column, "a date as YYYY-MM-DD") from None


def _fault(path: Path, number: int, column: str, rule: str) -> InputError:
    return InputError(f"{path.name}, row {number}, {column}: must be {rule}", reason="fact-row", field=column)
