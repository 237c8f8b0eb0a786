"""What all agreements together permit at one instant, laid out so that a decision is a look-up.

Compiling answers everything that depends only on the texts, the signatures and the time: which version is in force,
who is bound, whose data may be used, what has lapsed. What depends on the request and on facts is left to
``ig.decide``. A compiled policy holds from one change of the register's calendar to the next.

A controller that signed an earlier version but not the one in force lends its data only to what *both* allow: so
widening waits for its signature and narrowing does not (DESIGN section 7).
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from ig.decision import Duty, Reason
from ig.lifecycle import NEVER_IN_FORCE
from ig.schema import DSPT
from ig.terms import Assurance, DocumentKind, OnLapse, OptOut, PartyRole, Recipients, SFlag, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from ig.purpose import Level, OrgClass, Purpose, Role
    from ig.terms import Addendum, Agreement, Grant, Party, Signature

Key: TypeAlias = "tuple[str, Purpose, Level]"

_HASH_SHOWN = 12
_LARGER_IS_STRICTER = frozenset({Duty.MIN_CELL, Duty.ROUND_TO, Duty.MIN_CONTRIBUTORS, Duty.OVERLAP_GUARD})


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """One grant as it stands at an instant.

    ``closed`` says why nothing flows under it; ``recipients`` are the codes it names; ``bound`` those who have signed
    or act under contract; ``framed`` those who are in its framework; ``providers`` whose data, per dataset;
    ``lapses`` what its agreement chose to warn about.
    """

    grant: Grant
    terms: Agreement
    reference: str
    closed: Reason | None
    recipients: Mapping[str, OrgClass]
    bound: frozenset[str]
    framed: frozenset[str]
    providers: Mapping[str, frozenset[str]]
    lapses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Every grant at an instant, by dataset, purpose and level, then by role and recipient.

    ``roles`` and ``purposes`` say what is granted to anybody at all, so that a refusal can say what is missing.
    """

    live: tuple[LiveGrant, ...]
    index: Mapping[Key, Mapping[tuple[Role, str], Sequence[LiveGrant]]]
    roles: Mapping[Key, frozenset[Role]]
    datasets: frozenset[tuple[str, Purpose]]
    purposes: frozenset[Purpose]

    @classmethod
    def of(cls, live: Iterable[LiveGrant]) -> Policy:
        """Index ``live``."""
        grants = tuple(live)
        index: dict[Key, dict[tuple[Role, str], list[LiveGrant]]] = {}
        roles: defaultdict[Key, frozenset[Role]] = defaultdict(frozenset)
        for one in grants:
            for dataset in one.grant.datasets:
                key = dataset, one.grant.purpose, one.grant.level
                roles[key] |= one.grant.roles
                shelf = index.setdefault(key, {})
                for place in itertools.product(one.grant.roles, one.recipients):
                    shelf.setdefault(place, []).append(one)
        return cls(
            live=grants,
            index=index,
            roles=roles,
            datasets=frozenset((dataset, purpose) for dataset, purpose, _ in index),
            purposes=frozenset(one.grant.purpose for one in grants),
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Everything in the register, seen from one instant."""

    agreements: tuple[Agreement, ...]
    signatures: tuple[Signature, ...]
    statuses: Mapping[tuple[str, int], Status]
    now: datetime

    def compile(self) -> Policy:
        """Return the policy at this instant."""
        live: list[LiveGrant] = []
        for name in dict.fromkeys(a.id for a in self.agreements):
            current = self.current(name)
            if current is not None:
                live += self._of(current)
        return Policy.of(live)

    def current(self, name: str) -> Agreement | None:
        """Return the version in force: the latest that has begun, else the first that will; None if none ever bound."""
        versions = self._bound(name)
        begun = [a for a in versions if a.valid_from <= self.now]
        return begun[-1] if begun else next(iter(versions), None)

    def _versions(self, name: str) -> list[Agreement]:
        return sorted((a for a in self.agreements if a.id == name), key=lambda a: a.version)

    def _bound(self, name: str) -> list[Agreement]:
        return [a for a in self._versions(name) if self._status(a) not in NEVER_IN_FORCE]

    def _status(self, agreement: Agreement) -> Status:
        return self.statuses.get(agreement.key, agreement.status)

    def _of(self, current: Agreement) -> Iterator[LiveGrant]:
        full = self.signed(current)
        for grant in current.grants:
            yield self._live(current, grant, current, full)
        for addendum in current.addenda:
            if addendum.effective_from <= self.now:
                both = full & self.signed(current, addendum.id)
                yield self._live(current, addendum.grant, current, both, addendum)
        for older in reversed(self._versions(current.id)):
            if older.version < current.version:
                yield from self._narrowed(current, older, full)

    def _narrowed(self, current: Agreement, older: Agreement, full: frozenset[str]) -> Iterator[LiveGrant]:
        """What both versions allow, with the data of those who signed the older and not yet the newer."""
        waiting = self.signed(older) - full
        if not waiting:
            return
        terms = narrowest(current, older)
        before = {grant.id: grant for grant in older.grants}
        for grant in current.grants:
            old = before.get(grant.id)
            both = meet(grant, old, _receivers(current, grant) & _receivers(older, old)) if old else None
            if both is not None:
                yield self._live(current, both, terms, full | waiting)

    def _live(
        self,
        current: Agreement,
        grant: Grant,
        terms: Agreement,
        signed: frozenset[str],
        addendum: Addendum | None = None,
    ) -> LiveGrant:
        framework = self.current(current.framework) if current.kind is DocumentKind.AGREEMENT else current
        closed, lapses = self._standing(terms, framework, grant)
        framed = self._framed(current, framework)
        return LiveGrant(
            grant=grant,
            terms=terms,
            reference=reference(current, addendum),
            closed=closed,
            recipients={p.ods: p.org_class for p in terms.parties if _named(grant.recipients, p)},
            bound=self._ever_signed(current) | _processors(current),
            framed=framed,
            providers={
                dataset: frozenset(p.ods for p in terms.parties if dataset in p.provides) & signed & framed
                for dataset in grant.datasets
            },
            lapses=lapses,
        )

    def signed(self, agreement: Agreement, addendum: str = "") -> frozenset[str]:
        """Return the parties whose signature to this version, or to its addendum, stands now."""
        text = next((a.hash for a in agreement.addenda if a.id == addendum), "") if addendum else agreement.hash
        return frozenset(
            s.ods
            for s in (*agreement.signatures, *self.signatures)
            if (s.agreement, s.version, s.addendum) == (*agreement.key, addendum)
            and s.text_hash in ("", text)
            and s.signed <= self.now
            and (s.withdrawn is None or self.now < s.withdrawn)
        )

    def _ever_signed(self, current: Agreement) -> frozenset[str]:
        return frozenset().union(*(self.signed(a) for a in self._versions(current.id) if a.version <= current.version))

    def _framed(self, current: Agreement, framework: Agreement | None) -> frozenset[str]:
        if framework is None:
            return frozenset()
        signed = (self.signed(f) for f in self._versions(framework.id) if f.version >= current.framework_version)
        return frozenset().union(*signed) | _processors(current)

    def _standing(
        self, terms: Agreement, framework: Agreement | None, grant: Grant
    ) -> tuple[Reason | None, tuple[str, ...]]:
        """Why nothing flows, if so, and what has lapsed but is only warned about."""
        if closed := self._closed(terms):
            return closed, ()
        if framework is None or framework.version < terms.framework_version or self._closed(framework):
            return Reason.FRAMEWORK_INACTIVE, ()
        lapses: list[str] = []
        for document in dict.fromkeys((terms.key, framework.key)):
            due = terms if document == terms.key else framework
            if self.now >= due.review_by:
                if terms.on_lapse is OnLapse.DENY and self.now >= due.review_by + due.review_grace:
                    return Reason.REVIEW_LAPSED, ()
                lapses.append("review-overdue")
        if any(self.now >= a.valid_to and a.covers & grant.datasets for a in terms.approvals):
            if terms.on_lapse is OnLapse.DENY:
                return Reason.APPROVAL_LAPSED, ()
            lapses.append("approval-lapsed")
        return None, tuple(dict.fromkeys(lapses))

    def _closed(self, agreement: Agreement) -> Reason | None:
        match self._status(agreement):
            case Status.SUSPENDED:
                return Reason.SUSPENDED
            case Status.TERMINATED:
                return Reason.TERMINATED
            # Until its successor begins, a superseded version still holds; without a successor it holds nothing.
            case Status.SUPERSEDED if self._bound(agreement.id)[-1].version == agreement.version:
                return Reason.TERMINATED
        if self.now < agreement.valid_from:
            return Reason.NOT_YET_VALID
        return Reason.EXPIRED if self.now >= agreement.valid_to else None


def boundaries(agreements: Sequence[Agreement], signatures: Sequence[Signature]) -> list[datetime]:
    """Return, sorted, every instant at which what the agreements permit may change by itself."""
    found: set[datetime] = set()
    for a in agreements:
        found |= {a.valid_from, a.valid_to, a.review_by, a.review_by + a.review_grace}
        found |= {approval.valid_to for approval in a.approvals} | {d.effective_from for d in a.addenda}
    for s in (*signatures, *(s for a in agreements for s in a.signatures)):
        found |= {s.signed} if s.withdrawn is None else {s.signed, s.withdrawn}
    return sorted(found)


def reference(agreement: Agreement, addendum: Addendum | None = None) -> str:
    """Return ``ID@version#hash12`` or ``ID@version+ADDENDUM#hash12``, the hash covering the addendum too."""
    if addendum is None:
        return f"{agreement.id}@{agreement.version}#{agreement.hash[:_HASH_SHOWN]}"
    both = hashlib.sha256((agreement.hash + addendum.hash).encode()).hexdigest()
    return f"{agreement.id}@{agreement.version}+{addendum.id}#{both[:_HASH_SHOWN]}"


def meet(one: Grant, other: Grant, receivers: frozenset[str]) -> Grant | None:
    """Return what both grants allow to ``receivers``, or None when that is nothing."""
    callers = _both(one.recipients.callers, other.recipients.callers)
    relationship = _both(one.relationship, other.relationship)
    same_thing = (one.purpose, one.level) == (other.purpose, other.level)
    if not same_thing or not receivers or callers is None or relationship is None:
        return None
    return replace(
        one,
        recipients=Recipients(
            organisations=receivers,
            callers=callers,
            own_registered_only=one.recipients.own_registered_only or other.recipients.own_registered_only,
            own_staff_only=one.recipients.own_staff_only or other.recipients.own_staff_only,
        ),
        roles=one.roles & other.roles,
        datasets=one.datasets & other.datasets,
        fields=one.fields & other.fields,
        subjects=one.subjects & other.subjects,
        relationship=relationship,
        limits=_strictest((*one.limits, *other.limits)),
    )


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str] | None:
    """What satisfies two lists of which an empty one asks for nothing; None when nothing can."""
    if not one or not other:
        return one | other
    return one & other or None


def _strictest(limits: Iterable[str]) -> tuple[str, ...]:
    """One limit of each duty, the stricter where there are two."""
    best: dict[str, int] = {}
    for limit in limits:
        duty, _, figure = limit.partition(":")
        stricter = max if duty in _LARGER_IS_STRICTER else min
        best[duty] = stricter(best.get(duty, int(figure)), int(figure))
    return tuple(f"{duty}:{figure}" for duty, figure in best.items())


def narrowest(one: Agreement, other: Agreement) -> Agreement:
    """Return ``one`` with every condition of ``other`` added: what holds where both must."""
    ages: dict[str, OptOut] = {}
    for rule in (*one.opt_outs, *other.opt_outs):
        held = ages.get(rule.scheme, rule)
        known = [age for age in (held.max_age, rule.max_age) if age is not None]
        ages[rule.scheme] = OptOut(rule.scheme, min(known, default=None))
    return replace(
        one,
        valid_to=min(one.valid_to, other.valid_to),
        on_lapse=OnLapse.DENY if OnLapse.DENY in (one.on_lapse, other.on_lapse) else OnLapse.WARN,
        parties=tuple(p for p in one.parties if other.party(p.ods)),
        assurance=_both_assured(one.assurance, other.assurance),
        approvals=tuple(dict.fromkeys((*one.approvals, *other.approvals))),
        opt_outs=tuple(ages.values()),
        code_sets=tuple(sorted({*one.code_sets, *other.code_sets})),
        s_flag=SFlag.EXCLUDE_PERSON if SFlag.EXCLUDE_PERSON in (one.s_flag, other.s_flag) else SFlag.STRIP_LOCATION,
        unnumbered_kept=one.unnumbered_kept and other.unnumbered_kept,
        pairs=one.pairs & other.pairs,
        obligations=tuple(sorted({*one.obligations, *other.obligations})),
    )


def _both_assured(one: Assurance | None, other: Assurance | None) -> Assurance | None:
    if one is None or other is None:
        return one or other
    stronger = max(one.at_least, other.at_least, key=DSPT.index)
    return Assurance(stronger, one.of_recipients or other.of_recipients, one.of_providers or other.of_providers)


def _named(recipients: Recipients, party: Party) -> bool:
    if recipients.organisations and party.ods not in recipients.organisations:
        return False
    return not recipients.org_classes or party.org_class in recipients.org_classes


def _receivers(agreement: Agreement, grant: Grant) -> frozenset[str]:
    return frozenset(p.ods for p in agreement.parties if _named(grant.recipients, p))


def _processors(agreement: Agreement) -> frozenset[str]:
    return frozenset(p.ods for p in agreement.parties if p.role is PartyRole.PROCESSOR)
