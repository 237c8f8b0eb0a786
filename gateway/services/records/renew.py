"""Records made comparable anew, from the Patient that the source sent, where normalisation has changed since.

A model says for which normalisation it was weighed, so a new one has everybody traced again; whoever was packed the
old way is packed anew when their turn comes, and nobody has to send anything again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.person import to_demographics
from gateway.storage.intake import demographics_hash
from linkage.normalise import normalise
from linkage.person import Person, StalePerson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import SourcePerson


def renewed(house: House, permit: Permit, people: Sequence[SourcePerson]) -> list[SourcePerson]:
    """Return source people as they can be compared today; what was packed anew is stored so."""
    stale = [who.source_person_id for who in people if _is_stale(who)]
    if not stale:
        return list(people)
    patients = house.stores.records.patients(permit, stale)
    packed = {name: normalise(to_demographics(json.loads(body))).pack() for name, body in patients.items()}
    with house.stores.transaction() as tx:
        house.stores.records.repack(tx, packed)
    return [_with(who, packed[who.source_person_id]) if who.source_person_id in packed else who for who in people]


def _with(who: SourcePerson, packed: bytes) -> SourcePerson:
    return replace(who, packed=packed, demographics_hash=demographics_hash(packed))


def _is_stale(who: SourcePerson) -> bool:
    try:
        Person.unpack(who.packed)
    except StalePerson:
        return True
    return False
