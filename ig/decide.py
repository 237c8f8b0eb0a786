"""May this be answered? A pure function of the request, the register, the facts and the instant.

Deny by default. One grant answers a request, wholly: nothing is assembled from two. Where several would do, the one
that lets through most (field, provider) cells of what was asked is taken. An unknown fact denies a secondary use; a
care use is told what is missing. The rules are DESIGN section 7 and ``design/ig.md`` sections 1.3 and 2.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ig import optouts
from ig.decision import Decision, Duty, Effect, FilterKind, Reason, RowFilter
from ig.purpose import LOCATION_FIELDS, SECONDARY_USES, WHOLE_OR_NOTHING, Dataset, Level, Purpose
from ig.question import Asker, Described, Fact, Facts, Known, Population, Request, SubjectRef
from ig.relationships import RelationshipKind
from ig.schema import DSPT
from ig.terms import OnLapse, SFlag, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ig.policy import LiveGrant, Policy
    from ig.register import Register

__all__ = ["Asker", "Decision", "Described", "Duty", "Effect", "Fact", "Facts", "FilterKind", "Known", "Population"]
__all__ += ["Reason", "Request", "RowFilter", "SubjectRef", "decide"]

_NOTHING: frozenset[str] = frozenset()
_RECORDS = frozenset({Dataset.GP, Dataset.SOCIAL_CARE, Dataset.ACUTE})
_UNRESTRICTED = "U"


def decide(request: Request, register: Register, facts: Facts, now: datetime) -> Decision:
    """Decide one request at ``now`` (an aware instant).

    A denial carries the reason of the grant that came furthest, so that whoever mends it learns what is missing.
    """
    if not request.datasets or not request.fields:
        return _denied(request, Reason.NOTHING_ASKED, "The request names no dataset or no field.")
    policy = register.effective(now)
    candidates = _candidates(policy, request)
    if isinstance(candidates, _Refusal):
        return _denied(request, candidates.reason, candidates.words)
    best: _Case | None = None
    furthest: _Refusal | None = None
    for live in candidates:
        case = _Case(live, request, facts, now)
        refusal = case.consider()
        if refusal is None:
            best = case if best is None or case.rank() > best.rank() else best
        elif furthest is None or refusal.depth > furthest.depth:
            furthest = refusal
    if best is not None:
        return best.permitted()
    assert furthest is not None, "an index entry holds at least one grant"
    return _denied(request, furthest.reason, furthest.words, furthest.live, len(candidates))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a grant does not answer the request."""

    reason: Reason
    words: str
    live: LiveGrant | None = None
    depth: int = 0


def _candidates(policy: Policy, request: Request) -> Sequence[LiveGrant] | _Refusal:
    """The grants for the role and the organisation, or why there are none."""
    asker, level = request.asker, request.level
    purpose, role = asker.purpose, asker.role
    if purpose not in policy.purposes:
        return _Refusal(Reason.PURPOSE_MISMATCH, f"No agreement grants anything for {purpose}.")
    for dataset in sorted(request.datasets):
        if (dataset, purpose) not in policy.datasets:
            return _Refusal(Reason.DATASET_NOT_GRANTED, f"No agreement grants {dataset} for {purpose}.")
        if (dataset, purpose, level) not in policy.index:
            return _Refusal(Reason.LEVEL_NOT_GRANTED, f"No agreement grants {dataset} for {purpose} at {level} level.")
    key = min(request.datasets), purpose, level
    if role not in policy.roles[key]:
        return _Refusal(Reason.ROLE_NOT_PERMITTED, f"No grant for {purpose} names the role {role}.")
    found = policy.index[key].get((role, asker.organisation))
    return found or _Refusal(Reason.RECIPIENT_NOT_PERMITTED, f"No grant to {role} names {asker.organisation}.")


def _denied(
    request: Request, reason: Reason, words: str, live: LiveGrant | None = None, considered: int = 0
) -> Decision:
    trace = (words,) if considered <= 1 else (words, f"{considered} grants were considered; this one came furthest.")
    return Decision(
        effect=Effect.DENY,
        reason=reason,
        grant=live.grant.id if live else "",
        agreement=live.reference if live else "",
        providers=_NOTHING,
        fields_allowed=_NOTHING,
        fields_dropped=request.fields,
        row_filters=(),
        obligations=(),
        trace=trace,
    )


class _Case:
    """One grant held against one request. The checks run in order; the first that fails is the answer."""

    __slots__ = ("allowed", "depth", "duties", "facts", "filters", "live", "now", "providers", "request", "words")

    def __init__(self, live: LiveGrant, request: Request, facts: Facts, now: datetime) -> None:
        self.live, self.request, self.facts, self.now = live, request, facts, now
        self.allowed = request.fields & live.grant.fields
        self.providers: frozenset[str] = _NOTHING
        self.filters: list[RowFilter] = []
        self.duties: list[str] = []
        self.words: list[str] = []
        self.depth = 0

    def consider(self) -> _Refusal | None:
        """Return why the grant does not answer, or None when it does."""
        for self.depth, check in enumerate(_CHECKS):
            if refusal := check(self):
                return refusal
        return None

    def rank(self) -> tuple[int, str, str]:
        """How much of what was asked comes through; ties go by name, so that the answer is always the same one."""
        return len(self.allowed) * len(self.providers), self.live.reference, self.live.grant.id

    def permitted(self) -> Decision:
        """Return the decision, once every check has passed."""
        dropped = self.request.fields - self.allowed
        grant, terms = self.live.grant, self.live.terms
        duties = [*self.duties, *grant.limits, *terms.obligations]
        if self.request.level is Level.PSEUDONYMISED:
            duties.append(f"{Duty.PSEUDONYMISE}:{terms.project}")
        left_out = (f"Left out: {', '.join(sorted(dropped))}.",) if dropped else ()
        return Decision(
            effect=Effect.PERMIT,
            reason=Reason.PERMITTED,
            grant=grant.id,
            agreement=self.live.reference,
            providers=self.providers,
            fields_allowed=self.allowed,
            fields_dropped=dropped,
            row_filters=tuple(self.filters),
            obligations=tuple(dict.fromkeys(duties)),
            trace=(
                f"Grant {grant.id} of {self.live.reference} permits {grant.purpose} to {self.request.asker.role}.",
                *self.words,
                *left_out,
            ),
        )

    @property
    def secondary(self) -> bool:
        """Whether an unknown fact denies."""
        return self.request.asker.purpose in SECONDARY_USES

    def no(self, reason: Reason, words: str) -> _Refusal:
        """Refuse, in words."""
        return _Refusal(reason, words, self.live, self.depth)

    def lapse(self, what: str) -> None:
        """Note something that has lapsed and that the agreement chose to warn about."""
        self.duties += [f"{Duty.BANNER}:{what}", f"{Duty.ESCALATE}:{what}"]
        self.words.append(f"Warned, not denied: {what}.")


def _recipient(case: _Case) -> _Refusal | None:
    asker, live = case.request.asker, case.live
    callers = live.grant.recipients.callers
    right_class = live.recipients[asker.organisation] == asker.org_class
    if not right_class or (callers and asker.subject not in callers):
        return case.no(Reason.RECIPIENT_NOT_PERMITTED, f"{asker.organisation} is not a recipient of this grant.")
    return None


def _in_force(case: _Case) -> _Refusal | None:
    live, organisation = case.live, case.request.asker.organisation
    if live.closed:
        return case.no(live.closed, f"{live.reference} is not in force: {live.closed}.")
    if organisation not in live.framed:
        return case.no(Reason.FRAMEWORK_INACTIVE, f"{organisation} is not in the framework of {live.reference}.")
    if organisation not in live.bound:
        return case.no(Reason.NOT_SIGNED, f"{organisation} has not signed {live.reference}.")
    for what in live.lapses:
        case.lapse(what)
    return None


def _scope(case: _Case) -> _Refusal | None:
    request, grant = case.request, case.live.grant
    if not request.datasets <= grant.datasets:
        return case.no(Reason.DATASET_NOT_GRANTED, f"Grant {grant.id} does not cover every dataset asked for.")
    for pair in itertools.combinations(sorted(request.datasets), 2):
        if frozenset(pair) not in case.live.terms.pairs:
            return case.no(Reason.LINKAGE_NOT_PERMITTED, f"{pair[0]} and {pair[1]} may not be linked.")
    shape = _SHAPES[type(request.subject)]
    if shape not in grant.subjects:
        return case.no(Reason.SUBJECT_NOT_PERMITTED, f"Grant {grant.id} is not for a subject that is {shape}.")
    return None


def _fields(case: _Case) -> _Refusal | None:
    request, grant = case.request, case.live.grant
    used = request.filtered_on
    if isinstance(request.subject, Population):
        used |= frozenset(request.subject.filters)
    # To filter or to sort by a field is to learn it.
    if not used <= grant.fields:
        return case.no(Reason.FILTER_NOT_IN_SCOPE, f"Filtering on what grant {grant.id} does not give.")
    too_many = request.asker.purpose in WHOLE_OR_NOTHING and not request.fields <= grant.fields
    if too_many or not case.allowed:
        return case.no(Reason.FIELD_NOT_IN_SCOPE, f"Grant {grant.id} does not give what was asked for.")
    return None


def _assured(case: _Case) -> _Refusal | None:
    """DSPT, of recipients and of providers, at this instant."""
    needed = case.live.terms.assurance
    if needed and needed.of_recipients:
        organisation = case.request.asker.organisation
        fact = case.facts.assurance.get(organisation)
        held = _dspt(fact, case.now)
        if held < DSPT.index(needed.at_least):
            reason = Reason.ASSURANCE_UNKNOWN if held < 0 else Reason.ASSURANCE_NOT_MET
            if case.live.terms.on_lapse is OnLapse.DENY:
                return case.no(reason, f"The assurance of {organisation} is not {needed.at_least}.")
            case.lapse("assurance-lapsed")
    return None


def _dspt(fact: Fact | None, now: datetime) -> int:
    """The place of a DSPT status among them, or -1 when it is not known."""
    if fact is None or not fact.stands(now) or fact.value not in DSPT:
        return -1
    return DSPT.index(fact.value)


def _signatories(case: _Case) -> _Refusal | None:
    terms, live = case.live.terms, case.live
    providers = frozenset().union(*(live.providers[d] for d in case.request.datasets))
    needed = terms.assurance
    if needed and needed.of_providers and terms.on_lapse is OnLapse.DENY:
        floor = DSPT.index(needed.at_least)
        providers = frozenset(p for p in providers if _dspt(case.facts.assurance.get(p), case.now) >= floor)
    if not providers:
        return case.no(Reason.NOT_SIGNED, f"No controller lends data to {live.reference} just now.")
    case.providers = providers
    case.words.append(f"Data of {len(providers)} signed controllers.")
    if case.request.datasets & _RECORDS:
        case.filters.append(RowFilter(FilterKind.PROVIDERS, tuple(sorted(providers))))
    return None


def _own(case: _Case) -> _Refusal | None:
    """Own registered patients, own staff."""
    recipients, organisation = case.live.grant.recipients, case.request.asker.organisation
    if recipients.own_staff_only:
        case.filters.append(RowFilter(FilterKind.ACTORS_OF, (organisation,)))
    if not recipients.own_registered_only:
        return None
    if not isinstance(case.request.subject, Known):
        case.filters.append(RowFilter(FilterKind.REGISTERED_WITH, (organisation,)))
        return None
    fact = case.facts.registration
    if fact is None or not fact.stands(case.now):
        return case.no(Reason.REGISTRATION_UNKNOWN, "Where the person is registered is not known.")
    if fact.value != organisation:
        return case.no(Reason.NOT_OWN_PATIENT, f"The person is not registered with {organisation}.")
    case.words.append(f"Registered with {organisation}.")
    return None


def _related(case: _Case) -> _Refusal | None:
    """The tie that makes an access care, or the broken glass that stands in for it."""
    if case.request.asker.purpose is Purpose.EMERGENCY:
        glass = case.facts.break_glass
        if glass is None or not glass.stands(case.now):
            return case.no(Reason.BREAK_GLASS_REQUIRED, "Emergency access needs a reason given now.")
        case.duties += [f"{Duty.ALERT}:break-glass", f"{Duty.BANNER}:break-glass"]
        case.words.append(f"Emergency access: {glass.value}.")
    kinds = case.live.grant.relationship
    if not kinds:
        return None
    if not isinstance(case.request.subject, Known):
        values = (case.request.asker.organisation, *sorted(kinds))
        case.filters.append(RowFilter(FilterKind.RELATED_TO, values))
        return None
    tie = case.facts.relationship
    if tie is None or not tie.stands(case.now) or tie.value not in kinds:
        return case.no(Reason.RELATIONSHIP_REQUIRED, "No relationship with the person is known that the grant accepts.")
    if tie.value == RelationshipKind.SELF_CLAIM:
        case.duties.append(f"{Duty.ALERT}:self-claim")
    case.words.append(f"Relationship: {tie.value}, from {tie.source}.")
    return None


def _opt_outs(case: _Case) -> _Refusal | None:
    rules = optouts.applicable(case.live.terms.opt_outs, case.request.asker.purpose, case.request.datasets)
    for rule in rules:
        fact = case.facts.optouts.get(rule.scheme)
        if fact is None:
            return case.no(Reason.OPT_OUT_UNKNOWN, f"Opt-outs under {rule.scheme} are not known.")
        if optouts.stale(fact, rule.max_age, case.now):
            return case.no(Reason.OPT_OUT_STALE, f"What is known of {rule.scheme} opt-outs is too old.")
        if isinstance(case.request.subject, Known) and fact.value != optouts.NOT_OPTED_OUT:
            return case.no(Reason.OPTED_OUT, f"The person has opted out under {rule.scheme}.")
    if rules:
        schemes = tuple(sorted(rule.scheme for rule in rules))
        case.filters.append(RowFilter(FilterKind.WITHOUT_OPT_OUT, schemes))
        case.words.append(f"Opt-outs applied: {', '.join(schemes)}.")
    return None


def _restricted(case: _Case) -> _Refusal | None:
    """S-flag: a restricted person's whereabouts never leave; some agreements leave the person out altogether."""
    excluded = case.live.terms.s_flag is SFlag.EXCLUDE_PERSON
    # The ledger holds no whereabouts; processing shows nobody anything: what leaves is decided for its recipient.
    if Dataset.LEDGER in case.request.datasets or case.request.asker.purpose is Purpose.PROCESSING:
        return None
    if isinstance(case.request.subject, Known):
        return _restricted_person(case, excluded=excluded)
    if excluded:
        case.filters.append(RowFilter(FilterKind.NOT_RESTRICTED))
    else:
        case.duties.append(Duty.STRIP_LOCATION)
    return None


def _restricted_person(case: _Case, *, excluded: bool) -> _Refusal | None:
    fact = case.facts.restricted
    security = fact.value if fact is not None and fact.stands(case.now) else ""
    if security == _UNRESTRICTED:
        return None
    if not security and (case.secondary or excluded):
        return case.no(Reason.RESTRICTED_UNKNOWN, "Whether the person is restricted is not known.")
    # Unknown in care counts as restricted: that hides an address, not a person.
    case.allowed -= LOCATION_FIELDS
    if excluded or not case.allowed:
        return case.no(Reason.RESTRICTED_PERSON, "The person is restricted, and nothing asked for may be shown.")
    case.duties.append(Duty.STRIP_LOCATION)
    case.words.append("The person is or may be restricted: whereabouts are left out.")
    return None


def _rows(case: _Case) -> None:
    """Conditions that only ever take rows away."""
    terms = case.live.terms
    if terms.code_sets:
        case.filters.append(RowFilter(FilterKind.WITHOUT_CODES, terms.code_sets))
    if not terms.unnumbered_kept and not isinstance(case.request.subject, Known):
        case.filters.append(RowFilter(FilterKind.WITH_NHS_NUMBER))


_SHAPES: dict[type, Shape] = {Known: Shape.KNOWN, Described: Shape.DESCRIBED, Population: Shape.POPULATION}

_CHECKS: tuple[Callable[[_Case], _Refusal | None], ...] = (
    _recipient,
    _in_force,
    _scope,
    _fields,
    _assured,
    _signatories,
    _own,
    _related,
    _opt_outs,
    _restricted,
    _rows,
)
