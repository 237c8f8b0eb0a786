"""Use case: a doubtful case side by side, as far as the agreement shows it: what the record says, what the index says.

Each side is a Patient as it was received, cut down by the gate's decision. The record's own details are shown only
where its organisation provides under the agreement; whereabouts are shown on neither side once anybody of the case is
restricted, since either side's would tell the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.person import to_demographics
from gateway.services.records import reviews
from gateway.storage.reviews import CaseState
from ig.decide import Described
from ig.purpose import Dataset, Element, Level, Section
from ig.redact import redact_patient
from linkage.explain import Weighing
from linkage.person import Security

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.reviews import Case
    from linkage.decide import Candidate
    from linkage.person import Demographics

_ROWS: Final = (
    ("nhs_number", Element.NHS_NUMBER),
    ("family", Element.NAME),
    ("given", Element.NAME),
    ("other_given", Element.NAME),
    ("previous_family", Element.NAME),
    ("birth_date", Element.BIRTH_DATE),
    ("gender", Element.GENDER),
    ("address", Element.ADDRESS),
    ("postcode", Element.ADDRESS),
    ("previous_postcode", Element.ADDRESS),
    ("phone", Element.TELECOM),
    ("email", Element.TELECOM),
    ("gp_practice", Element.GP),
    ("death_date", Element.DECEASED),
)
_WHEREABOUTS: Final = frozenset({Element.ADDRESS, Element.TELECOM, Element.GP})
_PATIENT: Final = frozenset({Section.DEMOGRAPHICS.value})

Details = dict[str, str]
"""Field → what one side says of it, as it was received; empty where it says nothing."""


@dataclass(frozen=True, slots=True)
class Facing:
    """One candidate facing the record: who, what the index says, and what the two weigh together."""

    person_id: str
    details: Details
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Sides:
    """A case to be decided, or decided. ``record`` is None where the agreement does not show the record's details.

    ``fields`` are those that the agreement shows, in the order of a form; ``withheld`` says that whereabouts are not.
    """

    case: Case
    source: str
    organisation: str
    fields: tuple[str, ...]
    record: Details | None
    candidates: tuple[Facing, ...]
    withheld: bool

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide."""
        return self.case.state is CaseState.OPEN


def side_by_side(house: House, caller: Caller, case_id: str) -> Sides:
    """Return a case with both sides of every pair.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such case.
        Conflict: the case was open, and has closed itself.
        Unavailable: the ledger cannot take the row; nothing leaves.
    """
    found = reviews.case(house, caller, case_id)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=frozenset(Element),
        subject=Described(),
        filtered_on={Element.EVIDENCE},
    ) as passage:
        held = [house.stores.index.by_person(passage.permit, one.person_id) for one in found.candidates]
        known = [one for one in held if one is not None]
        hides = any(one.security.hides_location for one in known)
        prior = -house.engine().matcher.scorer.prior_bits
        who = house.stores.records.source_person(passage.permit, found.source_person_id)
        sides = Sides(
            case=found,
            source=who.source if who else "",
            organisation=who.organisation if who else "",
            fields=_fields(passage, hides=hides),
            record=_record(house, passage, found.source_person_id, hides=hides),
            candidates=tuple(
                Facing(
                    one.person_id,
                    _held(house, passage, row, hides=hides),
                    Weighing(one.evidence, prior, one.posterior),
                )
                for one, row in zip(found.candidates, held, strict=True)
            ),
            withheld=hides,
        )
        passage.disclose([one.person_id for one in known], rows=len(known), outcome="side-by-side")
    return sides


def _fields(passage: Passage, *, hides: bool) -> tuple[str, ...]:
    return tuple(name for name, element in _ROWS if passage.allows(element) and not (hides and element in _WHEREABOUTS))


def _held(house: House, passage: Passage, row: Candidate | None, *, hides: bool) -> Details:
    """What the index says of a candidate; nothing of one who has gone from it."""
    number = row.person.nhs_number if row is not None and row.security is not Security.INVALIDATED else None
    raw = house.stores.index.patient_json(passage.permit, number) if number else None
    return _details(passage, orjson.loads(raw or b"{}"), hides=hides)


def _record(house: House, passage: Passage, source_person_id: str, *, hides: bool) -> Details | None:
    """What the record says of itself, where its organisation provides under the agreement."""
    sent = house.stores.records.resources_of(passage.permit, [source_person_id], _PATIENT)
    patient = next((orjson.loads(one.body) for one in sent if one.type == "Patient"), None)
    return None if patient is None else _details(passage, patient, hides=hides)


def _details(passage: Passage, patient: dict[str, Any], *, hides: bool) -> Details:
    told = to_demographics(redact_patient(patient, passage.decision.fields_allowed, restricted=hides))
    return {name: _text(told, name) for name, _ in _ROWS}


def _text(told: Demographics, name: str) -> str:
    value = getattr(told, name)
    return value if isinstance(value, str) else ", ".join(value)
