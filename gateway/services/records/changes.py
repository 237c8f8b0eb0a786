"""Which records a changed index concerns, so that a load does not trace the whole database again.

A record is looked at again when a person it is linked to, proposed for or in doubt about was changed, or when a
changed or new person can be found by one of its keys. Cost: one pass over the records' keys, some 50 microseconds a
record against half a millisecond or more for a trace, and nothing where no person changed. What does move without
anybody having changed are the name frequencies and the size of the index: a model, another source, or an index a
fifth larger or smaller have everybody traced again.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any, Final

from gateway.services.records.decided import unsealed
from gateway.storage.jobs import INDEX_LOAD
from linkage.keys import probe_keys
from linkage.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.engine import Engine
    from gateway.house import House
    from gateway.storage.index import Changed
    from gateway.storage.jobs import Job
    from gateway.storage.permit import Permit

_FEW: Final = 1000
_SHARE: Final = 0.2
_STEPS_A_DOUBLING: Final = 4
_CHUNK: Final = 5000


def stamp(house: House, engine: Engine) -> str:
    """What a trace answers for: this model, over an index of this source and about this size."""
    info = house.stores.index.describe()
    model = engine.model_hash[:16]
    return f"{model}:{info.source}:{int(_STEPS_A_DOUBLING * log2(max(info.people, 1)))}" if info else model


def begin(house: House, permit: Permit, stamped: str) -> tuple[Job, dict[str, Any]]:
    """Take up the job of a run, with those marked whom anything that happened since the last one concerns.

    The returned figures belong into every checkpoint: they say which loads of the index have been looked at.
    """
    jobs, stores = house.stores.jobs, house.stores
    before = jobs.get("link", stamped)
    loads = jobs.completed(INDEX_LOAD, "index")
    seen = before.checkpoint.get("loads", 0) if before is not None else loads
    job = jobs.start_or_resume("link", stamped)
    again = unsealed(house, permit)
    changed = stores.index.changed_since(permit, seen) if seen < loads else []
    info = stores.index.describe()
    everybody = info is not None and len(changed) > max(_FEW, _SHARE * info.people)
    if changed and not everybody:
        again |= concerned(house, permit, changed)
    figures = {"loads": loads}
    with stores.transaction() as tx:
        if everybody:
            stores.traces.forget_all(tx)
        stores.records.untrace(tx, again)
        jobs.checkpoint(tx, job, figures)
    return job, figures


def concerned(house: House, permit: Permit, changed: Sequence[Changed]) -> set[str]:
    """Return the records that a change of these people can make a difference to."""
    stores = house.stores
    persons = {one.person_id for one in changed}
    found = stores.traces.touching(permit, persons) | stores.reviews.naming(permit, persons)
    # who is never a person is never whoever that person turns out to be: a number may have been replaced
    found |= stores.links.ruled_out(permit, persons)
    keys = {key for one in changed for key in one.keys}
    last = ""
    while people := stores.records.source_people(permit, last, _CHUNK):
        found.update(
            who.source_person_id for who in people if not keys.isdisjoint(probe_keys(Person.unpack(who.packed)))
        )
        last = people[-1].source_person_id
    return found
