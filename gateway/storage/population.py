"""A permit's row filters as SQL: the closed vocabulary of ``ig.decision.FilterKind`` joined to what is stored.

Every filter takes people or rows away; one that storage does not know takes everything away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.errors import NotPermitted
from gateway.storage.factkinds import REGISTRATION, RELATIONSHIP, opt_out, relationship
from gateway.storage.schema import governance, now, people, records, succession
from ig.decision import FilterKind
from ig.optouts import OPTED_OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.storage.database import Reading
    from gateway.storage.permit import Permit
    from ig.decision import RowFilter

_LINKED = people.live_link.c.person_id


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a population; ``nhs_number`` is empty for those without one."""

    person_id: str
    nhs_number: str


def readable(permit: Permit) -> list[str]:
    """Return the organisations whose rows may be read: the permit's providers, narrowed by its own filters."""
    allowed = set(permit.providers)
    for kept in permit.row_filters:
        if kept.kind is FilterKind.PROVIDERS:
            allowed &= set(kept.values)
    return sorted(allowed)


def people_of(view: Reading, permit: Permit) -> list[Member]:
    """Return whoever has a live link to a readable record and passes every filter, in order of person id."""
    statement = (
        sa.select(_LINKED, people.person.c.nhs_number)
        .distinct()
        .join(people.person, people.person.c.person_id == _LINKED)
        .join(records.source_person, records.source_person.c.source_person_id == people.live_link.c.source_person_id)
        .where(records.source_person.c.organisation.in_(readable(permit)))
        .order_by(_LINKED)
    )
    for kept in permit.row_filters:
        statement = statement.where(_condition(kept))
    return [Member(row[0], row[1] or "") for row in view.rows(statement)]


def _condition(kept: RowFilter) -> sa.ColumnElement[bool]:
    make = _CONDITIONS.get(kept.kind)
    if make is None:
        raise NotPermitted(f"storage cannot apply the row filter {kept.kind}", reason="row-filter-unknown")
    return make(kept)


def _fact(kind: str, values: list[str]) -> sa.ColumnElement[bool]:
    """Whether a fact of this kind about the person has one of these values and still stands."""
    return sa.exists().where(governance.fact.c.subject == _LINKED, *_says(kind, values)).correlate(people.live_link)


def _says(kind: str, values: list[str]) -> tuple[sa.ColumnElement[bool], ...]:
    table = governance.fact
    standing = sa.or_(table.c.expires.is_(None), table.c.expires > now())
    return table.c.kind == kind, table.c.value.in_(values), standing


def _ever(kind: str, values: list[str]) -> sa.ColumnElement[bool]:
    """The same, about the person under any number they ever had. Three look-ups by subject, not one with a choice."""
    table, here = governance.fact, succession.succession
    other = here.alias()
    said = _says(kind, values)
    earlier = sa.exists().where(here.c.survivor_id == _LINKED, table.c.subject == here.c.person_id, *said)
    today = sa.exists().where(here.c.person_id == _LINKED, table.c.subject == here.c.survivor_id, *said)
    beside = sa.exists().where(
        here.c.person_id == _LINKED,
        here.c.survivor_id != "",
        other.c.survivor_id == here.c.survivor_id,
        table.c.subject == other.c.person_id,
        *said,
    )
    ways = (earlier, today, beside)
    return sa.or_(_fact(kind, values), *(way.correlate(people.live_link) for way in ways))


def _registered(kept: RowFilter) -> sa.ColumnElement[bool]:
    return _fact(REGISTRATION, list(kept.values))


def _related(kept: RowFilter) -> sa.ColumnElement[bool]:
    organisation, *kinds = kept.values
    return _ever(RELATIONSHIP, [relationship(organisation, kind) for kind in kinds])


def _not_opted_out(kept: RowFilter) -> sa.ColumnElement[bool]:
    return sa.and_(sa.true(), *(sa.not_(_ever(opt_out(scheme), [OPTED_OUT])) for scheme in kept.values))


def _not_restricted(_kept: RowFilter) -> sa.ColumnElement[bool]:
    index = people.index_person
    known = (
        sa.exists()
        .where(index.c.person_id == _LINKED, index.c.nhs_number == people.person.c.nhs_number)
        .where(index.c.id == sa.cast(sa.func.substr(people.person.c.nhs_number, 1, 9), sa.Integer))
        .where(index.c.security == "U")
        .correlate(people.live_link, people.person)
    )
    # Somebody with a number whom the index does not know may be protected: unknown is left out.
    return sa.or_(people.person.c.nhs_number.is_(None), known)


def _numbered(_kept: RowFilter) -> sa.ColumnElement[bool]:
    return people.person.c.nhs_number.is_not(None)


def _elsewhere(_kept: RowFilter) -> sa.ColumnElement[bool]:
    """Applied where rows are read, not where people are chosen."""
    return sa.true()


_CONDITIONS: dict[FilterKind, Callable[[RowFilter], sa.ColumnElement[bool]]] = {
    FilterKind.PROVIDERS: _elsewhere,
    FilterKind.WITHOUT_CODES: _elsewhere,
    FilterKind.REGISTERED_WITH: _registered,
    FilterKind.RELATED_TO: _related,
    FilterKind.WITHOUT_OPT_OUT: _not_opted_out,
    FilterKind.NOT_RESTRICTED: _not_restricted,
    FilterKind.WITH_NHS_NUMBER: _numbered,
}
