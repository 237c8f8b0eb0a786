"""What is known when a decision is made: assurance, relationship, registration, restriction and opt-outs.

Each fact carries its source and date. Where nothing is known the fact is absent, which the policy reads as unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from gateway.storage.factkinds import ASSURANCE, RELATIONSHIP, opt_out
from ig.decide import Fact, Facts, Known
from ig.optouts import NOT_OPTED_OUT, OPTED_OUT
from ig.purpose import SECONDARY_USES
from ig.relationships import RelationshipKind, Tie, legitimate
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date

    from gateway.storage import Stores
    from gateway.storage.facts import StoredFact
    from gateway.storage.permit import Permit
    from ig.decide import Request

_OPT_OUT: Final = opt_out("")


class FactFinder:
    """Looks up the facts of one request, with the gate's own permit where they are in the index."""

    def __init__(self, stores: Stores, own_permit: Callable[[], Permit]) -> None:
        self._stores = stores
        self._own_permit = own_permit

    def gather(self, request: Request, organisations: Collection[str], now: datetime) -> Facts:
        """Return what is known about ``organisations`` (those the register names) and, for one person, about them."""
        facts = self._stores.governance.facts
        assured = facts.of({*organisations, request.asker.organisation}, {ASSURANCE})
        assurance = {row.subject: _fact(row, row.value) for row in assured}
        lists = self._lists() if request.asker.purpose in SECONDARY_USES else {}
        if not isinstance(request.subject, Known):
            return Facts(assurance=assurance, optouts=lists)
        # under every number that the person ever had: what was said of one of them holds for all
        rows = facts.of(self._stores.successions.family(self._own_permit(), request.subject.ref))
        registration, restricted = self._indexed(request.subject.ref)
        return Facts(
            assurance=assurance,
            relationship=legitimate(_ties(rows, registration), request.asker.subject, request.asker.organisation, now),
            registration=registration,
            restricted=restricted,
            optouts={**lists, **_own_opt_outs(rows)},
        )

    def _lists(self) -> dict[str, Fact]:
        """How old each list of opt-outs is; of somebody who is on none, that is all there is to know."""
        newest = self._stores.governance.facts.newest()
        return {
            kind.removeprefix(_OPT_OUT): Fact(NOT_OPTED_OUT, "list", as_of)
            for kind, as_of in newest.items()
            if kind.startswith(_OPT_OUT)
        }

    def _indexed(self, person_id: str) -> tuple[Fact | None, Fact | None]:
        """Where the index has the person registered, and how they are protected; what nobody said is unknown."""
        permit = self._own_permit()
        held = self._stores.index.by_person(permit, person_id)
        info = self._stores.index.describe()
        told = self._stores.onward.restricted(permit, person_id)
        # PDS may have restricted somebody since the index was made: either is enough
        restricted = Fact(Security.RESTRICTED.value, "pds", _midnight(told)) if told else None
        if held is None or info is None:
            return None, restricted
        at = _midnight(info.as_of)
        registration = Fact(held.person.gp_practice or "none", info.source, at)
        if restricted is not None and not held.security.hides_location:
            return registration, restricted
        return registration, Fact(held.security.value, info.source, at)


def _ties(rows: Iterable[StoredFact], registration: Fact | None) -> list[Tie]:
    """Read ``ODS:kind`` (anybody there) and ``ODS:kind:staff`` (that member of staff)."""
    ties = []
    for row in rows:
        if row.kind == RELATIONSHIP:
            organisation, kind, *staff = row.value.split(":", 2)
            ties.append(Tie(RelationshipKind(kind), organisation, row.as_of, row.source, "".join(staff), row.expires))
    if registration is not None and registration.value != "none":
        ties.append(Tie(RelationshipKind.REGISTRATION, registration.value, registration.as_of, registration.source))
    return ties


def _own_opt_outs(rows: Iterable[StoredFact]) -> dict[str, Fact]:
    """What is said of each scheme; where it was said under several numbers, an opt-out that still stands wins."""
    said = [row for row in rows if row.kind.startswith(_OPT_OUT)]
    weakest_first = sorted(said, key=lambda row: (row.value == OPTED_OUT, row.expires is None, row.as_of))
    return {row.kind.removeprefix(_OPT_OUT): _fact(row, row.value) for row in weakest_first}


def _fact(row: StoredFact, value: str) -> Fact:
    return Fact(value, row.source, row.as_of, row.expires)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
