"""From a person asked about to a finding: the index gives candidates, linkage decides. Every surface traces here.

The steps are those of the national services: the number first (cross-check), then all candidates that share a key
(alphanumeric, algorithmic). A conclusive cross-check ends the trace without scoring anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linkage.keys import named_keys, probe_keys
from linkage.model import Use
from linkage.person import Security

if TYPE_CHECKING:
    from collections import Counter

    from gateway.storage.index import PersonIndex
    from gateway.storage.permit import Permit
    from linkage.decide import Candidate, Finding, Matcher, Verification
    from linkage.nhs_number import NhsNumber
    from linkage.person import Person


MOST: Final = 2000
"""So many candidates are looked at for one question: those that share most keys, the lower number first."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An index and a matcher made for it. ``model`` and ``model_hash`` name the model in links and ledger rows.

    No more than ``most`` candidates are looked at. A question that met more counts in the ``capped`` handed to
    `trace` or `candidates`, under the kind of its largest key.
    """

    index: PersonIndex
    matcher: Matcher
    model: str
    model_hash: str
    most: int = MOST

    def trace(
        self,
        permit: Permit,
        asked: Person,
        *,
        use: Use = Use.PROPOSE,
        never: frozenset[str] = frozenset(),
        capped: Counter[str] | None = None,
    ) -> Finding:
        """Find the person in the index; ``never`` holds the person ids a human has ruled out."""
        if asked.nhs_number is not None:
            held, current = self.in_force(permit, asked.nhs_number)
            conclusive = self.matcher.cross_check(asked, held, current)
            if conclusive is not None and not any(row and row.person_id in never for row in (held, current)):
                return conclusive
            never |= self.sealed_off(permit, asked.nhs_number, held)
        return self.matcher.trace(asked, self.candidates(permit, asked, capped), use=use, never=never)

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

    def candidates(self, permit: Permit, asked: Person, capped: Counter[str] | None = None) -> list[Candidate]:
        """Return everyone who shares a key with ``asked``; a superseded row brings those that came after it."""
        keys = probe_keys(asked)
        found, left_out = self.index.candidates(permit, keys, self.most)
        if left_out and capped is not None:
            capped[kind_of_key(asked, self.index.largest(permit, keys))] += 1
        known = {one.person.nhs_number for one in found}
        while absent := {one.superseded_by for one in found if one.superseded_by} - known:
            found += self.index.by_numbers(permit, absent).values()
            known |= absent
        return found


def kind_of_key(asked: Person, key: int) -> str:
    """Return what the key of a person asked about is made of, as `linkage.keys.KEYS` names it."""
    return next(name for name, hashed in named_keys(asked) if hashed == key)
