"""What may be told of protected people: where a restricted person lives is in no evidence, also not in that of before.

Evidence is kept as it was when a pair was weighed; a person may have become restricted since. So whoever shows kept
evidence passes it through here, and what speaks of a place says ``withheld``, as a pair weighed today would.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.storage.factkinds import NEVER_LINK
from linkage.explain import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.house import House
    from linkage.explain import Evidence

LOCATION: Final = frozenset({"address", "phone", "email", "gp_practice"})
"""The fields that say where somebody is to be found (linkage.compare withholds the same)."""


def withheld(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Return evidence with all that speaks of a place withheld, and the patterns of several fields left out.

    Bits of what is withheld are nought, so that the level cannot be told from them; a pattern may rest on a place.
    """
    return tuple(
        replace(piece, level="withheld", bits=0.0) if piece.field in LOCATION and piece.level != "missing" else piece
        for piece in evidence
        if piece.field in LABELS
    )


def sealed_people(house: House) -> frozenset[str]:
    """Return everybody, of then and of now, whom a seal protects: no sample and no example is drawn from them."""
    facts = house.stores.governance.facts.of_kind(NEVER_LINK)
    return frozenset(person for fact in facts for person in (fact.subject, fact.value))
