"""Use case: under which other identifiers is this patient known? IHE PIXm, Get Corresponding Identifiers (ITI-83).

Domains are the NHS number, this server's own Patient ids, and each organisation's own numbering of its people. The
answer asserts, so it rests on links that are good enough for direct care (DESIGN section 6), never on a proposal.

Who may be told what: an organisation translates its own numbers under any purpose that lets it see the NHS number.
That somebody is known to *another* organisation is told for direct care alone, of those the agreement names, and of
nobody restricted, since it would tell where they are. For direct care the source is the NHS number or the Patient id:
an agreement on care is about a person who is known, and looking one up is tracing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from adapters import ukcore
from adapters.systems import LOCAL_ID, NHS_NUMBER
from gateway.errors import InputError, NotFound, NotPermitted
from gateway.ids import person_id
from gateway.services.records.link import JOINS_FOR_CARE
from gateway.services.records.shelves import DATASET_OF
from gateway.services.tracing.against import checked_against
from gateway.services.tracing.people import in_force, number_used
from gateway.storage.records import source_person_id
from ig.decide import Described, Known, SubjectRef
from ig.decision import Duty
from ig.purpose import CARE_USES, Dataset, Element, Level, Section
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.storage.links import Link
    from linkage.decide import Candidate

RECORDS: Final = frozenset({Dataset.GP, Dataset.SOCIAL_CARE, Dataset.ACUTE})
_TABULAR: Final = "tabular"
_LONGEST_CHAIN: Final = 50


class UnknownAuthority(InputError):
    """The source identifier is of no domain that is known here, or that this caller may ask from."""

    fhir_code: ClassVar[str] = "code-invalid"

    def __init__(self) -> None:
        text = "sourceIdentifier Assigning Authority not found"
        super().__init__(text, reason="source-domain", field="sourceIdentifier")


class UnknownIdentifier(NotFound):
    """The domain is known, and nobody in it has this identifier."""

    def __init__(self) -> None:
        super().__init__("sourceIdentifier Patient Identifier not found", reason="source-identifier")


class UnknownTarget(NotPermitted):
    """A domain was asked for that is not known here, or that this caller is told nothing of."""

    fhir_code: ClassVar[str] = "code-invalid"

    def __init__(self) -> None:
        super().__init__("targetSystem not found", reason="target-domain")


@dataclass(frozen=True, slots=True)
class LocalDomain:
    """One organisation's numbering of the people of one source; ``source`` as stored (``tabular:nhs111``)."""

    source: str
    organisation: str

    @property
    def system(self) -> str:
        """Its address, as the records carry it."""
        return f"{LOCAL_ID}{self.source.replace(':', '/')}/{self.organisation}"


@dataclass(frozen=True, slots=True)
class Source:
    """The identifier that is known: ``value`` in the domain ``system``; ``targets`` are the domains wanted, or all.

    ``own_base`` is the address of this server, the domain of its own ids (``Patient/<id>``).
    """

    system: str
    value: str
    own_base: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrossReference:
    """What corresponds to an identifier: identifiers of other domains, and the person's id where that was wanted."""

    identifiers: tuple[dict[str, Any], ...]
    person_id: str
    decision_id: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A source identifier, read: a number, a person id, or somebody's number in a local domain."""

    number: NhsNumber | None = None
    person: str = ""
    local: LocalDomain | None = None
    value: str = ""


def local_domain(system: str) -> LocalDomain | None:
    """Read the address of an organisation's own numbering, or return None: it is another's, or of something else."""
    if not system.startswith(LOCAL_ID):
        return None
    *source, organisation = system.removeprefix(LOCAL_ID).split("/")
    known = source[0] in DATASET_OF if len(source) == 1 else source[:1] == [_TABULAR] and len(source) == 2  # noqa: PLR2004 - tabular/<map>
    return LocalDomain(":".join(source), organisation) if known and all((*source, organisation)) else None


def cross_reference(house: House, caller: Caller, source: Source) -> CrossReference:
    """Return the identifiers that correspond to one; the source itself is not among them.

    Raises:
        UnknownAuthority, UnknownIdentifier, UnknownTarget: as the profile tells them apart.
        NotPermitted: no agreement lets this caller ask.
        Unavailable: no usable index, or the ledger could not take the row; nothing leaves.
    """
    asked, targets = _read(caller, source), source.targets
    for target in targets:
        _check_target(caller, target, source.own_base)
    checked_against(house)
    caring = caller.purpose in CARE_USES
    who = asked.person or (person_id(asked.number) if asked.number else "")
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX, *RECORDS} if caring else {Dataset.INDEX},
        fields={Element.NHS_NUMBER, Section.DEMOGRAPHICS},
        subject=Known(SubjectRef(who)) if who else Described(),
        filtered_on=() if caring and asked.person else {number_used(caller)},
    ) as passage:
        held = _held(house, passage, asked, who)
        living = in_force(house, passage, held) if held is not None else None
        known = living is not None or (asked.local is not None and _is_record(house, passage, asked))
        found = [] if living is None or held is None else _identifiers(house, passage, caller, held, living)
        told = [one for one in found if (not targets or one["system"] in targets) and not _is_source(one, asked)]
        passage.disclose(
            [living.person_id] if living else (), rows=len(told), outcome="" if known else "source-identifier"
        )
    if not known:
        raise UnknownIdentifier
    wanted = living is not None and (not targets or bool({source.own_base, NHS_NUMBER} & set(targets)))
    reference = living.person_id if living is not None and wanted and living.person_id != asked.person else ""
    return CrossReference(tuple(told), reference, passage.decision_id)


def _read(caller: Caller, source: Source) -> _Asked:
    if source.system == NHS_NUMBER:
        try:
            return _Asked(number=NhsNumber.parse(source.value))
        except NotAnNhsNumber:
            raise UnknownIdentifier from None
    if source.system == source.own_base:
        kind, _, person = source.value.rpartition("/")
        if kind not in {"", "Patient"} or not person:
            raise UnknownIdentifier
        return _Asked(person=person)
    local = local_domain(source.system)
    if local is None or local.organisation != caller.organisation or caller.purpose in CARE_USES:
        raise UnknownAuthority
    return _Asked(local=local, value=source.value)


def _check_target(caller: Caller, target: str, own_base: str) -> None:
    """A domain that may be asked for: for care any organisation's, elsewhere one's own."""
    if target in {NHS_NUMBER, own_base}:
        return
    local = local_domain(target)
    if local is None or not (local.organisation == caller.organisation or caller.purpose in CARE_USES):
        raise UnknownTarget


def _held(house: House, passage: Passage, asked: _Asked, who: str) -> Candidate | None:
    """The index row that the source identifier leads to."""
    if asked.local is None:
        return house.stores.index.by_person(passage.permit, who)
    record = _record_of(house, passage, asked)
    link = house.stores.links.standing(passage.permit, [record]).get(record) if record else None
    asserted = link is not None and link.basis in JOINS_FOR_CARE
    return house.stores.index.by_person(passage.permit, link.person_id) if link and asserted else None


def _is_record(house: House, passage: Passage, asked: _Asked) -> bool:
    return bool(_record_of(house, passage, asked))


def _record_of(house: House, passage: Passage, asked: _Asked) -> str:
    """The record that a local number is of, by the one it was merged into; empty where there is none."""
    assert asked.local is not None
    name = source_person_id(asked.local.source, asked.local.organisation, asked.value)
    for _ in range(_LONGEST_CHAIN):
        row = house.stores.records.source_person(passage.permit, name)
        if row is None or row.retired_into is None:
            return name if row else ""
        name = row.retired_into
    return ""


def _identifiers(
    house: House, passage: Passage, caller: Caller, held: Candidate, living: Candidate
) -> list[dict[str, Any]]:
    """The NHS number in force, and what each readable organisation calls the person."""
    number = living.person.nhs_number
    found = [{"system": NHS_NUMBER, "value": number.digits}] if number and _shows_number(passage) else []
    links = [
        link
        for person in dict.fromkeys((living.person_id, held.person_id))
        for link in house.stores.links.of_person(passage.permit, person)
    ]
    return [*found, *_local(house, passage, links, organisations_told(passage, caller, living))]


def organisations_told(passage: Passage, caller: Caller, who: Candidate) -> frozenset[str]:
    """Return whose records of a person may be named to this caller: their own organisation's always.

    Another's only for direct care, as far as the agreement provides, and never of somebody restricted.
    """
    own = frozenset({caller.organisation})
    hidden = who.security is not Security.UNRESTRICTED and Duty.STRIP_LOCATION in passage.decision.obligations
    return own if hidden or caller.purpose not in CARE_USES else own | passage.permit.providers


def _shows_number(passage: Passage) -> bool:
    return passage.allows(Element.NHS_NUMBER) or passage.allows(Section.DEMOGRAPHICS)


def _local(
    house: House, passage: Passage, links: Iterable[Link], organisations: frozenset[str]
) -> list[dict[str, Any]]:
    names = [link.source_person_id for link in links if link.basis in JOINS_FOR_CARE]
    rows = house.stores.records.people(passage.permit, names) if names else []
    return [
        ukcore.local_identifier(row.source.replace(":", "/"), row.organisation, row.person_ref)
        for row in rows
        if row.organisation in organisations
    ]


def _is_source(identifier: dict[str, Any], asked: _Asked) -> bool:
    if asked.local is not None:
        return (identifier["system"], identifier["value"]) == (asked.local.system, asked.value)
    return asked.number is not None and identifier == {"system": NHS_NUMBER, "value": asked.number.digits}
