"""A record on the bench of a report: traced as a link run traces it, and its nearest candidates with their weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.ids import person_id
from gateway.services.reports.causes import Held, Looked, diagnose
from gateway.services.reports.reasons import NUMBER_FAULTS, Cause, Diagnosis
from ig.purpose import Element
from linkage.findings import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.engine import Engine
    from gateway.gate import Passage
    from linkage.findings import Candidate, Finding, Flag, Scored
    from linkage.person import Demographics, Person

SHOWN: Final = frozenset(Element) - {Element.EVIDENCE}
"""What a report asks the gate for: to say that a field of somebody's differs is to show of that field."""

_ELEMENT_OF: Final = {
    "nhs_number": Element.NHS_NUMBER,
    "family": Element.NAME,
    "given": Element.NAME,
    "other_given": Element.NAME,
    "birth_date": Element.BIRTH_DATE,
    "gender": Element.GENDER,
    "address": Element.ADDRESS,
    "phone": Element.TELECOM,
    "email": Element.TELECOM,
    "gp_practice": Element.GP,
    "death_date": Element.DECEASED,
}
_OF_A_PAIR: Final = frozenset({Cause.ONE_FIELD, Cause.SEVERAL_FIELDS})
_NEAR: Final = 10
_EVEN: Final = 0.5
_NO_EFFORT: Final = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of one record. ``about`` are the people of the index of whom it says something.

    ``pays`` is from 0 to 1: how likely it is that the record is settled once it is mended, shared out over the fields
    to be looked at.
    """

    outcome: Outcome
    diagnosis: Diagnosis
    pays: float
    about: frozenset[str]


@dataclass(frozen=True, slots=True)
class Bench:
    """The index and the model in use, inside one passage of the gate."""

    engine: Engine
    passage: Passage

    def tell(
        self,
        said: Demographics,
        asked: Person,
        *,
        never: frozenset[str] = frozenset(),
        flags: frozenset[Flag] = frozenset(),
        apart: bool = False,
    ) -> Told | None:
        """Return why a record is not settled, or None where it is, and nothing is wrong with it.

        ``never`` names those whom the record is not, ``apart`` says that somebody decided so who may be heard of.
        """
        permit = self.passage.permit
        if asked.nhs_number is not None:
            # a protected person's former number leads to nobody of today, and nobody is told that it ever did
            never |= self.engine.index.sealed(permit, asked.nhs_number)
        finding = self.engine.trace(permit, asked, never=never)
        nearest = self._nearest(asked, finding, never)
        looked = Looked(said, asked, finding, nearest, self._held(asked, never), flags, apart)
        diagnosis = diagnose(looked)
        if diagnosis is None:
            return None
        shown = self._shown(diagnosis)
        return Told(finding.outcome, shown, pays(diagnosis, nearest), frozenset(_about(looked, diagnosis)))

    def _nearest(self, asked: Person, finding: Finding, never: frozenset[str]) -> tuple[Scored, ...]:
        """The likeliest candidates, whether or not any of them is near enough."""
        if finding.best is not None:
            return (finding.best, *finding.others)
        if finding.outcome is Outcome.INVALID_INPUT:
            return ()
        rows = [one for one in self.engine.candidates(self.passage.permit, asked) if not _leads_to(one, never)]
        return self.engine.matcher.rank(asked, rows)[:_NEAR]

    def _held(self, asked: Person, never: frozenset[str]) -> Held:
        if asked.nhs_number is None:
            return Held()
        row, current = self.engine.in_force(self.passage.permit, asked.nhs_number)
        if row is None or any(_leads_to(one, never) for one in (row, current) if one):
            return Held()
        return Held(row, current, self._weighed(asked, row))

    def _weighed(self, asked: Person, row: Candidate) -> Scored | None:
        """The record's details against the holder of its number, the number itself left out."""
        scored = self.engine.matcher.rank(replace(asked, nhs_number=None), [row])
        return scored[0] if scored else None

    def _shown(self, diagnosis: Diagnosis) -> Diagnosis:
        """Leave out the fields in which somebody differs of whom the agreement does not show them."""
        if diagnosis.cause not in _OF_A_PAIR:
            return diagnosis
        return replace(
            diagnosis, fields=tuple(name for name in diagnosis.fields if self.passage.allows(_ELEMENT_OF[name]))
        )


def _leads_to(row: Candidate, never: frozenset[str]) -> bool:
    """Whether a row is of somebody ruled out, or was replaced by one who is."""
    return row.person_id in never or (row.superseded_by is not None and person_id(row.superseded_by) in never)


def pays(diagnosis: Diagnosis, nearest: tuple[Scored, ...]) -> float:
    """Return how much mending a record pays, from 0 to 1: the chance that it is settled by it, for each field.

    A wrong number comes before everything: it does harm as it stands. What is to be filled in without anybody near is
    as likely to help as not.
    """
    if diagnosis.cause in NUMBER_FAULTS:
        return 1.0
    if diagnosis.cause is Cause.KEPT_APART:
        return 0.0
    effort = max(len(diagnosis.fields), _NO_EFFORT)
    known = min(sum(one.posterior for one in nearest), 1.0)
    if diagnosis.cause in {Cause.PLACEHOLDER, Cause.NOT_ENOUGH, Cause.DUPLICATE}:
        known = max(known, _EVEN)
    return known / effort


def _about(looked: Looked, diagnosis: Diagnosis) -> Iterator[str]:
    """Whom a cause speaks of."""
    causes = {diagnosis.cause, *diagnosis.also}
    if causes & _OF_A_PAIR or Cause.NOT_ENOUGH in causes:
        yield from (one.candidate.person_id for one in looked.nearest[:1])
    if Cause.SEVERAL_CLOSE in causes:
        yield from (one.candidate.person_id for one in looked.nearest)
    if causes & NUMBER_FAULTS:
        yield from (one.person_id for one in (looked.held.row, looked.held.current) if one is not None)
