"""From a person asked about to a finding: the index gives candidates, linkage decides. Every surface traces here.

The steps are those of the national services: the number first (cross-check), then all candidates that share a key
(alphanumeric, algorithmic). A conclusive cross-check ends the trace without scoring anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linkage.keys import probe_keys
from linkage.model import Use
from linkage.person import Security

if TYPE_CHECKING:
    from gateway.storage.index import PersonIndex
    from gateway.storage.permit import Permit
    from linkage.decide import Candidate, Finding, Matcher, Verification
    from linkage.nhs_number import NhsNumber
    from linkage.person import Person


@dataclass(frozen=True, slots=True)
class Engine:
    """An index and a matcher made for it. ``model`` and ``model_hash`` name the model in links and ledger rows."""

    index: PersonIndex
    matcher: Matcher
    model: str
    model_hash: str

    def trace(
        self, permit: Permit, asked: Person, *, use: Use = Use.PROPOSE, never: frozenset[str] = frozenset()
    ) -> Finding:
        """Find the person in the index; ``never`` holds the person ids a human has ruled out."""
        if asked.nhs_number is not None:
            held, current = self.in_force(permit, asked.nhs_number)
            conclusive = self.matcher.cross_check(asked, held, current)
            if conclusive is not None and not any(row and row.person_id in never for row in (held, current)):
                return conclusive
            never |= self.sealed_off(permit, asked.nhs_number, held)
        return self.matcher.trace(asked, self.candidates(permit, asked), use=use, never=never)

    def verify(self, permit: Permit, number: NhsNumber, asked: Person) -> Verification:
        """Confirm that ``number`` is the person's; other people are looked at only when it seems not to be."""
        held, current = self.in_force(permit, number)
        return self.matcher.verify(asked, held, current, self.candidates(permit, asked))

    def sealed_off(self, permit: Permit, number: NhsNumber, held: Candidate | None) -> frozenset[str]:
        """Return the persons whom nobody asked about under ``number`` may be taken for; ``held`` is its row.

        A protected person's former number leads to nobody of today, whatever the details say.
        """
        if held is None or held.security is Security.INVALIDATED:
            return self.index.sealed(permit, number)
        return frozenset()

    def in_force(self, permit: Permit, number: NhsNumber) -> tuple[Candidate | None, Candidate | None]:
        """Return the row of a number and, where it was superseded, the row in force at the end of the chain.

        There is none where the last successor is not in the index, or where the chain comes round to itself.
        """
        held = self.index.by_number(permit, number)
        current, seen = held, {number}
        while current is not None and (after := current.superseded_by) is not None:
            if after in seen:
                return held, None
            seen.add(after)
            current = self.index.by_number(permit, after)
        return held, current if current is not held else None

    def candidates(self, permit: Permit, asked: Person) -> list[Candidate]:
        """Return everyone who shares a key with ``asked``; a superseded row brings those that came after it."""
        found, _capped = self.index.candidates(permit, probe_keys(asked))
        known = {one.person.nhs_number for one in found}
        while absent := {one.superseded_by for one in found if one.superseded_by} - known:
            found += self.index.by_numbers(permit, absent).values()
            known |= absent
        return found
