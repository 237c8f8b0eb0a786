"""A record and the person it is joined to, out of the store, and everything that the two differ in but the number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.person import to_demographics
from adapters.ukcore import is_restricted
from gateway.services.changes.compare import LOCATION, RULES, TABLE, Rule, Side, Verdict
from gateway.services.records.link import JOINS_FOR_CARE
from gateway.storage.compared import Scope
from gateway.storage.differing import Field, Kind
from ig.purpose import Dataset, Element
from linkage.findings import Death
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from gateway.storage.compared import Due

_OF_VERY_RESTRICTED: Final = frozenset({Field.GENDER})
_WHOLE: Final = len("2024-02-01")


@dataclass(frozen=True, slots=True)
class Pair:
    """A record and the person it is joined to. ``dead`` and ``marked`` (restricted) are the record's word."""

    record: Side
    index: Side
    dead: bool
    marked: bool
    death: Death
    security: Security

    @property
    def hidden(self) -> bool:
        """Whether whereabouts are nobody's to see on either side: the one would tell the other."""
        return self.marked or self.security.hides_location


@dataclass(frozen=True, slots=True)
class Difference:
    """What a pair differs in. ``about`` is a digest of what was compared, the same while both sides say the same."""

    field: Field
    kind: Kind
    about: str


def differences(pair: Pair, allowed: Collection[str] = frozenset(Element)) -> Iterator[Difference]:
    """Yield what a pair differs in, of the fields that may be looked at; the number is compared elsewhere."""
    for rule in TABLE:
        if rule.element in allowed and not _shut(rule.field, pair):
            verdict = rule.compare(pair.record, pair.index)
            if verdict is not Verdict.SAME:
                both = [_told(side, rule) for side in (pair.record, pair.index)]
                yield Difference(rule.field, Kind(verdict.value), digest(rule.field, verdict, both))
    if pair.security.hides_location and not pair.marked:
        yield Difference(Field.ADDRESS, Kind.RESTRICTED, digest(Field.ADDRESS, Kind.RESTRICTED, pair.security))
    if Element.DECEASED in allowed and (kind := _death(pair)) is not None:
        told = (pair.death, pair.index.said.death_date, pair.dead, pair.record.said.death_date)
        yield Difference(Field.DEATH, kind, digest(Field.DEATH, kind, told))


def digest(field: Field, kind: str, told: object) -> str:
    """Return what stands for two values where neither may be written."""
    return hashlib.sha256(orjson.dumps([field, kind, told])).hexdigest()


def _shut(field: Field, pair: Pair) -> bool:
    if field in LOCATION and pair.hidden:
        return True
    return pair.security is Security.VERY_RESTRICTED and field not in _OF_VERY_RESTRICTED


def _told(side: Side, rule: Rule) -> list[object]:
    return [getattr(side.said, name) for name in rule.details]


def _death(pair: Pair) -> Kind | None:
    """An informal notice is never more than work for somebody; whose death only the record knows is work too."""
    if pair.dead and pair.death is not Death.FORMAL:
        return Kind.SUBSTANTIVE if pair.death is Death.NONE else None
    if not pair.dead:
        return {Death.FORMAL: Kind.FORMAL_DEATH, Death.INFORMAL: Kind.INFORMAL_DEATH}.get(pair.death)
    mine, theirs = pair.record.said.death_date, pair.index.said.death_date
    return Kind.SUBSTANTIVE if len(mine) == len(theirs) == _WHOLE and mine != theirs else None


def scope_of(sources: Iterable[str] = ()) -> Scope:
    """Return what is compared: records joined on grounds good enough for direct care, and no mere proposal."""
    return Scope(frozenset(basis.value for basis in JOINS_FOR_CARE), RULES, frozenset(sources))


COMPARED: Final = frozenset({Dataset.INDEX, Dataset.GP, Dataset.SOCIAL_CARE, Dataset.ACUTE})
"""What a comparison reads: only the system caller of changes is granted all of it together."""
EVERYTHING: Final = scope_of()
"""The records of every source."""


def pair_of(due: Due) -> Pair:
    """Make the pair of what was read."""
    said: dict[str, Any] = orjson.loads(due.said)
    return Pair(
        record=Side.of(to_demographics(said)),
        index=Side.of(to_demographics(orjson.loads(due.patient))),
        dead=bool(said.get("deceasedDateTime") or said.get("deceasedBoolean")),
        marked=is_restricted(said),
        death=Death(due.death),
        security=Security(due.security),
    )
