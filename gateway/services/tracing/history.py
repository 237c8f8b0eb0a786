"""Use case: how did source records come to be this person? Every link fact about one person, oldest first.

Whose records are named is decided as for cross-references: the caller's own organisation's, and others' for direct
care alone. Who may see evidence sees the records of the agreement's providers and what was compared; where a
restricted person is, is in none of it. Facts that name another person are that person's history and not told here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import NotFound
from gateway.services.records.protected import withheld
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.crossref import RECORDS, organisations_told
from gateway.services.tracing.people import in_force
from ig.decide import Known, SubjectRef
from ig.purpose import CARE_USES, Dataset, Element, Level, Section

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.tracing.against import CheckedAgainst
    from gateway.storage.links import Link
    from gateway.storage.records import SourcePerson
    from linkage.decide import Candidate
    from linkage.explain import Evidence


@dataclass(frozen=True, slots=True)
class LinkFact:
    """One fact: what it says (``is``, ``never``, ``withdrawn``), on what ground, by whom or which model, and when.

    ``bits`` and ``evidence`` are for who may see evidence; elsewhere None and empty.
    """

    link_id: str
    kind: str
    basis: str
    actor: str
    model: str
    at: datetime
    bits: float | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """One source record of the person: where it is from, whether it is joined to them now, and every fact."""

    source_person_id: str
    source: str
    organisation: str
    local_id: str
    joined: bool
    facts: tuple[LinkFact, ...]


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """The history of one person, records in the order of their first fact."""

    person_id: str
    records: tuple[RecordHistory, ...]
    against: CheckedAgainst
    decision_id: str


def link_history(house: House, caller: Caller, person: str) -> PersonHistory:
    """Return how records came to be a person, as far as this caller may be told of them.

    Raises:
        NotFound: nobody in the index has this id, or they were withdrawn.
        NotPermitted: no agreement lets this caller ask about this person.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    against = checked_against(house)
    caring = caller.purpose in CARE_USES
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX, *RECORDS} if caring else {Dataset.INDEX},
        fields={Section.DEMOGRAPHICS} if caring else {Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Known(SubjectRef(person)),
    ) as passage:
        held = house.stores.index.by_person(passage.permit, person)
        found = held is not None and in_force(house, passage, held) is not None
        records = _records(house, passage, caller, held) if held is not None and found else ()
        rows = sum(len(record.facts) for record in records)
        passage.disclose([person] if found else (), rows=rows, outcome="link-history" if found else "not-found")
    if not found:
        raise NotFound("Patient not found", reason="patient-not-found")
    return PersonHistory(person, records, against, passage.decision_id)


def _records(house: House, passage: Passage, caller: Caller, held: Candidate) -> tuple[RecordHistory, ...]:
    facts = house.stores.links.about(passage.permit, held.person_id)
    joined = {link.source_person_id for link in house.stores.links.of_person(passage.permit, held.person_id)}
    told = organisations_told(passage, caller, held)
    if passage.allows(Element.EVIDENCE) and not held.security.hides_location:
        told |= passage.permit.providers
    found = []
    for name, chain in facts.items():
        who = house.stores.records.source_person(passage.permit, name)
        if who is not None and who.organisation in told:
            found.append(_record(who, chain, passage, held, joined=name in joined))
    return tuple(sorted(found, key=lambda record: (record.facts[0].at, record.source_person_id)))


def _record(who: SourcePerson, chain: list[Link], passage: Passage, held: Candidate, *, joined: bool) -> RecordHistory:
    facts = tuple(_fact(link, passage, held) for link in chain)
    return RecordHistory(who.source_person_id, who.source, who.organisation, who.person_ref, joined, facts)


def _fact(link: Link, passage: Passage, held: Candidate) -> LinkFact:
    told = passage.allows(Element.EVIDENCE)
    evidence = withheld(link.evidence) if held.security.hides_location else link.evidence
    # the sum of the bits would tell what is withheld from it
    bits = None if held.security.hides_location else link.bits
    return LinkFact(
        link.link_id,
        link.kind.value,
        link.basis.value,
        link.actor,
        link.model,
        link.at,
        bits if told else None,
        evidence if told else (),
    )
