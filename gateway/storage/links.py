"""Links: append-only facts that a source's record of somebody is, or is never, a person.

Who somebody is follows from their facts in order, those withdrawn left out: the last ``is`` counts, unless a later
``never`` names the same person, and a person's later ``is`` lifts a ``never`` that is not sealed. So undoing is one
more fact, and what stood before stands again, exactly. ``live_link``, derived in the same transaction, says which
person each source person is.

A ``never`` that names the person known only by another record (``ids.person_id_without_number``) separates the two
records for good, whatever either is linked to later: no write may leave both with one person.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from gateway import ids
from gateway.errors import Conflict
from gateway.storage.differences import overtaken
from gateway.storage.permit import require
from gateway.storage.rows import pack_evidence, unpack_evidence
from gateway.storage.schema import now, people
from gateway.storage.schema.base import utc
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from gateway.storage.database import Database, Reading, Tx
    from gateway.storage.permit import Permit
    from linkage.explain import Evidence


class LinkKind(StrEnum):
    """What a fact says. ``withdrawn`` says nothing of its own: it takes back the fact it supersedes."""

    IS = "is"
    NEVER = "never"
    WITHDRAWN = "withdrawn"


class Basis(StrEnum):
    """On what grounds. ``own`` is a person known only through records, without a number.

    ``merged`` follows the record that this one was merged into by its source, and joins nothing by itself.
    """

    CROSS_CHECK = "cross-check"
    ALPHANUMERIC = "alphanumeric"
    ALGORITHMIC = "algorithmic"
    PDS = "pds"
    PERSON = "person"
    OWN = "own"
    MERGED = "merged"
    UNLINKED = "unlinked"


FOLLOWED: Final = "gateway:supersede"
"""The actor of a fact that follows a person to the number that replaced theirs: the same human being, said anew."""


@dataclass(frozen=True, slots=True)
class NewLink:
    """A fact to be added. ``nhs_number`` is the person's, ten digits, or empty for a person without one."""

    source_person_id: str
    person_id: str
    kind: LinkKind
    basis: Basis
    actor: str
    model: str = ""
    bits: float | None = None
    posterior: float | None = None
    evidence: tuple[Evidence, ...] = ()
    nhs_number: str = ""
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A fact as stored. ``position`` counts the facts about one source person from 0.

    ``supersedes`` names the fact that it answers: replaced, contradicted or withdrawn.
    """

    link_id: str
    source_person_id: str
    position: int
    person_id: str
    kind: LinkKind
    basis: Basis
    actor: str
    model: str
    bits: float | None
    posterior: float | None
    evidence: tuple[Evidence, ...]
    supersedes: str | None
    sealed: bool
    at: datetime


_COLUMNS: Final = tuple(column.name for column in people.link.columns)


@dataclass(slots=True)
class Chain:
    """All facts about one source person, oldest first."""

    facts: list[Link] = field(default_factory=list)

    def _standing(self) -> tuple[Link | None, dict[str, Link]]:
        """Return the fact that says who this is, and by person those that say who it is not."""
        withdrawn = {fact.supersedes for fact in self.facts if fact.kind is LinkKind.WITHDRAWN}
        person: Link | None = None
        nevers: dict[str, Link] = {}
        for fact in self.facts:
            if fact.link_id in withdrawn:
                continue
            if fact.kind is LinkKind.IS:
                person = fact
                nevers.pop(fact.person_id, None)
            elif fact.kind is LinkKind.NEVER:
                nevers[fact.person_id] = fact
                person = None if person and person.person_id == fact.person_id else person
        return person, nevers

    def person(self) -> Link | None:
        """Return the standing fact that says who this is, if any."""
        return self._standing()[0]

    def nevers(self) -> list[Link]:
        """Return the standing facts that say who this is not, oldest first."""
        return list(self._standing()[1].values())

    def add(self, new: NewLink) -> Link | None:
        """Add a fact and return it, or None where it says nothing new or a person has decided otherwise.

        Raises:
            Conflict: the model links what a person said is never the same.
        """
        is_now, nevers = self._standing()
        never = nevers.get(new.person_id)
        by_person = new.basis is Basis.PERSON
        if new.kind is LinkKind.NEVER:
            over = is_now if is_now and is_now.person_id == new.person_id else None
            known = never is not None and (never.sealed or not new.sealed)
            return None if known else self._append(new, over)
        if never and (never.sealed or not by_person):
            raise Conflict("a person has decided that these are never the same", reason="never-link")
        if is_now and (_says(is_now, new) or (is_now.basis is Basis.PERSON and not by_person)):
            return None
        return self._append(new, never or is_now)

    def withdraw(self, fact: Link, actor: str) -> Link:
        """Take back a standing fact."""
        taken = NewLink(fact.source_person_id, fact.person_id, LinkKind.WITHDRAWN, Basis.UNLINKED, actor)
        return self._append(taken, fact)

    def _append(self, new: NewLink, over: Link | None) -> Link:
        position = len(self.facts)
        fact = Link(
            ids.link_id(new.source_person_id, position),
            new.source_person_id,
            position,
            new.person_id,
            new.kind,
            new.basis,
            new.actor,
            new.model,
            new.bits,
            new.posterior,
            new.evidence,
            over.link_id if over else None,
            new.sealed,
            now(),
        )
        self.facts.append(fact)
        return fact


@dataclass(frozen=True, slots=True)
class Ruling:
    """What stands about one source person: who it is, whom it never is, and the records it was separated from.

    ``sealed`` are those of the nevers that nobody may hear of.
    """

    link: Link | None
    nevers: frozenset[str]
    separated: frozenset[str]
    sealed: frozenset[str]

    @property
    def decided(self) -> str:
        """The person that somebody decided it is, or empty."""
        return self.link.person_id if self.link is not None and self.link.basis is Basis.PERSON else ""


def _says(fact: Link, new: NewLink) -> bool:
    # that nobody else is known is no finding of a model: another one has nothing to add to it
    same_model = fact.model == new.model or new.basis is Basis.OWN
    return same_model and (fact.person_id, fact.basis) == (new.person_id, new.basis)


class Links:
    """The repository of links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, tx: Tx, facts: Sequence[NewLink]) -> list[Link]:
        """Add facts, in order, and return those that said something new.

        An ``is`` supersedes the standing ``is`` of the same source person; a ``never`` supersedes an ``is`` to the
        same person. What a person decided is not overridden by a model.

        Raises:
            Conflict: a model links a pair that a person said is never the same, or two records that a person separated
                would have one person; nothing of the batch is kept.
        """
        chains = _chains(tx, {fact.source_person_id for fact in facts})
        before = {person: len(chain.facts) for person, chain in chains.items()}
        for fact in facts:
            chains[fact.source_person_id].add(fact)
        numbers = {fact.person_id: fact.nhs_number for fact in facts if fact.nhs_number}
        added = _added(chains, before)
        _write(tx, added, numbers, chains)
        return added

    def unlink(
        self, tx: Tx, source_person: str, actor: str, *, never: bool = True, also: Collection[str] = ()
    ) -> list[Link]:
        """Take back the standing link of a source person; what it had superseded stands again, exactly.

        ``never`` adds the person's decision that the two are never the same, so that no re-run joins them again. Of a
        person known only by records, the record is separated from each of the others. ``also`` are the person's ids
        under other numbers: what stands again is none of them.

        Raises:
            Conflict: no link stands, or the record is joined to no other.
        """
        chains = _chains(tx, {source_person})
        wrong = chains[source_person].person()
        if wrong is None:
            raise Conflict("there is no link to take back", reason="not-linked")
        others = _members(tx, {wrong.person_id})[wrong.person_id] - {source_person}
        chains = _chains(tx, {source_person, *others})
        # somebody whom the index does not hold is nobody but the records that were taken for one person
        by_records = any((fact := chain.person()) and fact.basis is Basis.OWN for chain in chains.values())
        if never and by_records and not others:
            raise Conflict("this record is joined to no other", reason="not-linked")
        # the person of records is named after one of them: when that one leaves, it is the others that must go
        own = wrong.person_id == ids.person_id_without_number(source_person)
        leaving = others if own else {source_person}
        before = {name: len(chain.facts) for name, chain in chains.items()}
        left = {wrong.person_id}
        for name in sorted(leaving):
            left |= _leave(chains[name], {wrong.person_id, *also}, actor)
        apart = {ids.person_id_without_number(other) for other in others} if by_records else set()
        for person in sorted(apart or left) if never else ():
            chains[source_person].add(NewLink(source_person, person, LinkKind.NEVER, Basis.PERSON, actor))
        _drop_barred(tx, chains, leaving, actor)
        added = _added(chains, before)
        _write(tx, added, {}, chains)
        return added

    def taken_back(self, tx: Tx, changed: Sequence[Link]) -> list[Link]:
        """Return the facts that some of ``changed``, just added, took back."""
        wanted = {fact.supersedes for fact in changed if fact.kind is LinkKind.WITHDRAWN}
        chains = _chains(tx, {fact.source_person_id for fact in changed})
        return [fact for chain in chains.values() for fact in chain.facts if fact.link_id in wanted]

    def take_back(self, tx: Tx, source_person: str, people: Collection[str], actor: str) -> list[Link]:
        """Take back what a person decided about a source person and each of ``people``; a seal is never taken back.

        Raises:
            Conflict: nobody has decided anything about them that stands.
        """
        chains = _chains(tx, {source_person})
        chain, before = chains[source_person], {source_person: len(chains[source_person].facts)}
        while (fact := chain.person()) is not None and fact.actor == FOLLOWED and fact.person_id in people:
            # the decision was about the number before; what followed from it goes with it
            chain.withdraw(fact, actor)
        is_now, nevers = chain.person(), chain.nevers()
        decided = [is_now] if is_now is not None and is_now.basis is Basis.PERSON else []
        decided += [fact for fact in nevers if not fact.sealed]
        taken = [fact for fact in decided if fact.person_id in people]
        if not taken:
            raise Conflict("there is no decision to take back", reason="not-decided")
        for fact in taken:
            chain.withdraw(fact, actor)
        _drop_barred(tx, chains, {source_person}, actor)
        added = _added(chains, before)
        _write(tx, added, {}, chains)
        return added

    def standing(self, permit: Permit, source_people: Collection[str]) -> dict[str, Link]:
        """Return who each of these source people is, by the fact that says so; the unlinked are absent."""
        require(permit)
        with self._database.read() as view:
            chains = _chains(view, source_people)
        return {person: link for person, chain in chains.items() if (link := chain.person())}

    def nevers(self, permit: Permit, source_people: Collection[str]) -> dict[str, frozenset[str]]:
        """Return for each of these source people the persons that they never are."""
        require(permit)
        with self._database.read() as view:
            chains = _chains(view, source_people)
        return {person: frozenset(fact.person_id for fact in chain.nevers()) for person, chain in chains.items()}

    def ruled_out(self, permit: Permit, persons: Collection[str]) -> set[str]:
        """Return the source people of whom somebody said that they are never one of ``persons``."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT source_person_id FROM link WHERE kind = 'never' AND {view.among('person_id')}"  # noqa: S608 - our own names
            return {row[0] for row in view.raw(sql, (view.listed(sorted(persons)),))}

    def rulings(self, permit: Permit, source_people: Collection[str]) -> dict[str, Ruling]:
        """Return what stands about each of these source people."""
        require(permit)
        with self._database.read() as view:
            chains = _chains(view, source_people)
            apart = _separated(view, chains)
        return {
            name: Ruling(
                chain.person(),
                frozenset(fact.person_id for fact in chain.nevers()),
                frozenset(apart.get(name, ())),
                frozenset(fact.person_id for fact in chain.nevers() if fact.sealed),
            )
            for name, chain in chains.items()
        }

    def of_person(self, permit: Permit, person_id: str) -> list[Link]:
        """Return the standing links of a person, by source person."""
        require(permit)
        with self._database.read() as view:
            sql = "SELECT source_person_id FROM live_link WHERE person_id = ? ORDER BY source_person_id"
            joined = [row[0] for row in view.raw(sql, (person_id,))]
            chains = _chains(view, joined)
        return [link for person in joined if (link := chains[person].person())]

    def on_ground(self, permit: Permit, basis: Basis) -> dict[str, str]:
        """Return source person → person for every live link on one ground, by source person."""
        require(permit)
        sql = "SELECT source_person_id, person_id FROM live_link WHERE basis = ? ORDER BY source_person_id"
        with self._database.read() as view:
            return dict(view.raw(sql, (basis.value,)))

    def history(self, permit: Permit, source_person: str, *, sealed: bool = False) -> list[Link]:
        """Return every fact about a source person, oldest first.

        What is about somebody whom a seal keeps apart is left out, the seal and what came before it; ``sealed`` is for
        proofs that it is there, and for no surface.
        """
        require(permit)
        with self._database.read() as view:
            facts = _chains(view, {source_person})[source_person].facts
        hidden = set() if sealed else {fact.person_id for fact in facts if fact.sealed}
        return [fact for fact in facts if fact.person_id not in hidden]

    def about(self, permit: Permit, person_id: str) -> dict[str, list[Link]]:
        """Return source person → every fact that names this person, oldest first, those withdrawn included.

        A record that a seal keeps apart from the person is not there.
        """
        require(permit)
        with self._database.read() as view:
            sql = "SELECT DISTINCT source_person_id FROM link WHERE person_id = ? ORDER BY source_person_id"
            names = [row[0] for row in view.raw(sql, (person_id,))]
            chains = _chains(view, names)
        facts = {name: [fact for fact in chains[name].facts if fact.person_id == person_id] for name in names}
        return {name: held for name, held in facts.items() if not any(fact.sealed for fact in held)}

    def number_of(self, permit: Permit, person_id: str) -> NhsNumber | None:
        """Return the NHS number of a person known here, or None for one without a number, or unknown."""
        require(permit)
        with self._database.read() as view:
            rows = view.raw("SELECT nhs_number FROM person WHERE person_id = ?", (person_id,))
        return NhsNumber.trusted(rows[0][0]) if rows and rows[0][0] else None

    def numbers_of(self, permit: Permit, persons: Collection[str]) -> dict[str, str]:
        """Return person → NHS number for those of ``persons`` who were ever linked here and have one."""
        require(permit)
        with self._database.read() as view:
            sql = f"SELECT person_id, nhs_number FROM person WHERE nhs_number IS NOT NULL AND {view.among('person_id')}"  # noqa: S608 - our own names
            return dict(view.raw(sql, (view.listed(sorted(persons)),)))

    def counts(self) -> dict[str, int]:
        """Return how many live links there are of each basis; figures only, so no permit."""
        with self._database.read() as view:
            return dict(view.raw("SELECT basis, count(*) FROM live_link GROUP BY basis ORDER BY basis"))


def _chains(view: Reading, source_people: Iterable[str]) -> dict[str, Chain]:
    wanted = sorted(set(source_people))
    chains: dict[str, Chain] = defaultdict(Chain)
    chains.update((person, Chain()) for person in wanted)
    sql = (
        f"SELECT {','.join(_COLUMNS)} FROM link WHERE {view.among('source_person_id')} "  # noqa: S608 - our own names
        "ORDER BY source_person_id, position"
    )
    for row in view.raw(sql, (view.listed(wanted),)):
        chains[row[1]].facts.append(_link(row))
    return chains


def _added(chains: dict[str, Chain], before: dict[str, int]) -> list[Link]:
    return [fact for name, chain in chains.items() for fact in chain.facts[before[name] :]]


def _leave(chain: Chain, persons: Collection[str], actor: str) -> set[str]:
    """Take back every standing fact in a row that says one of ``persons``: each model run may have said it anew.

    Returns whom the facts taken back named.
    """
    left = set()
    while (fact := chain.person()) is not None and fact.person_id in persons:
        chain.withdraw(fact, actor)
        left.add(fact.person_id)
    return left


def _drop_barred(tx: Tx, chains: dict[str, Chain], names: Iterable[str], actor: str) -> None:
    """Take back what stands again where a record separated since has that person now."""
    apart = _separated(tx, chains)
    for name in sorted(names):
        while (fact := chains[name].person()) is not None:
            members = _members(tx, {fact.person_id})[fact.person_id]
            if not apart.get(name, set()) & members:
                break
            _leave(chains[name], {fact.person_id}, actor)


def _members(view: Reading, persons: Collection[str]) -> dict[str, set[str]]:
    """Return who lives with each person, by the live links as they are stored."""
    members: dict[str, set[str]] = defaultdict(set)
    sql = f"SELECT source_person_id, person_id FROM live_link WHERE {view.among('person_id')}"  # noqa: S608 - our own names
    for name, person in view.raw(sql, (view.listed(sorted(persons)),)):
        members[person].add(name)
    return members


def _separated(view: Reading, chains: dict[str, Chain]) -> dict[str, set[str]]:
    """Return for each source person the records that it must never share a person with, whoever said so of which."""
    own = {ids.person_id_without_number(name): name for name in chains}
    apart: dict[str, set[str]] = defaultdict(set)
    sql = f"SELECT DISTINCT source_person_id FROM link WHERE kind = 'never' AND {view.among('person_id')}"  # noqa: S608 - our own names
    others = {row[0] for row in view.raw(sql, (view.listed(sorted(own)),))} - chains.keys()
    for other, chain in {**chains, **(_chains(view, others) if others else {})}.items():
        for fact in chain.nevers():
            if name := own.get(fact.person_id):
                apart[name].add(other)
                apart[other].add(name)
    named = {fact.person_id for chain in chains.values() for fact in chain.nevers()} - own.keys()
    for owner, person in _owners(view, named).items():
        for name, chain in chains.items():
            if any(fact.person_id == person for fact in chain.nevers()):
                apart[name].add(owner)
    return apart


def _owners(view: Reading, persons: Collection[str]) -> dict[str, str]:
    """Return record → person for those of ``persons`` who are known only by that record."""
    if not persons:
        return {}
    sql = (
        "SELECT DISTINCT source_person_id, person_id FROM link WHERE kind = 'is' AND basis = 'own' "  # noqa: S608
        f"AND {view.among('person_id')}"
    )
    rows = view.raw(sql, (view.listed(sorted(persons)),))
    return {name: person for name, person in rows if ids.person_id_without_number(name) == person}


def kept_apart(view: Reading, merged: Mapping[str, str]) -> set[str]:
    """Of records that their source merged into others, return those that a decision keeps apart from the other.

    ``merged`` is record → the record it went into. A person's decision outranks a merge in the source: whoever was
    decided to be somebody else, never that person, or not the same as that record, stays out.
    """
    chains = _chains(view, {*merged, *merged.values()})
    apart = _separated(view, chains)
    barred = set()
    for record, into in merged.items():
        here, there = chains[record].person(), chains[into].person()
        nevers = {fact.person_id for fact in chains[record].nevers()}
        elsewhere = here is not None and here.basis is Basis.PERSON and here.person_id != (there and there.person_id)
        if into in apart.get(record, ()) or (there and there.person_id in nevers) or elsewhere:
            barred.add(record)
    return barred


def _link(row: tuple[Any, ...]) -> Link:
    says = (LinkKind(row[4]), Basis(row[5]))
    values = (*row[:4], *says, *row[6:10], unpack_evidence(bytes(row[10])), row[11], bool(row[12]), utc(row[13]))
    return Link(*values)


def _row(link: Link) -> tuple[Any, ...]:
    return (
        link.link_id,
        link.source_person_id,
        link.position,
        link.person_id,
        link.kind.value,
        link.basis.value,
        link.actor,
        link.model,
        link.bits,
        link.posterior,
        pack_evidence(link.evidence),
        link.supersedes,
        link.sealed,
        link.at.isoformat(),
    )


def _write(tx: Tx, added: Sequence[Link], numbers: dict[str, str], chains: dict[str, Chain]) -> None:
    """Store new facts, the persons they name, and what is now live of each source person touched."""
    if not added:
        return
    named = sorted({link.person_id for link in added})
    known = "(person_id) DO UPDATE SET nhs_number = COALESCE(person.nhs_number, excluded.nhs_number)"
    tx.merge("person", ("person_id", "nhs_number"), [(person, numbers.get(person)) for person in named], known)
    tx.load("link", _COLUMNS, [_row(link) for link in added])
    touched = sorted({link.source_person_id for link in added})
    tx.many("DELETE FROM live_link WHERE source_person_id = ?", [(person,) for person in touched])
    live = [link for person in touched if (link := chains[person].person())]
    rows = [(link.source_person_id, link.person_id, link.link_id, link.basis.value) for link in live]
    tx.load("live_link", ("source_person_id", "person_id", "link_id", "basis"), rows)
    persons = {link.source_person_id: link.person_id for link in live}
    _refuse_joined(tx, chains, persons)
    overtaken(tx, dict.fromkeys(touched, "") | persons)


def _refuse_joined(tx: Tx, chains: dict[str, Chain], live: Mapping[str, str]) -> None:
    """The last guard, whatever a use case forgot: two records that a person separated never have one person."""
    apart = {name: others for name, others in _separated(tx, chains).items() if name in live and others}
    members = _members(tx, {live[name] for name in apart}) if apart else {}
    if any(others & members[live[name]] for name, others in apart.items()):
        raise Conflict("a person has separated two of these records", reason="separated")
