"""The residue: the records that the index could not settle, with what their source says of them.

What is exported to the national service and what is reported for mending are the same records, chosen here. Somebody's
own permit gives their organisation's records and no other's; work by itself, under a processing grant, is given all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from adapters.person import to_demographics
from gateway.storage.permit import require
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.traces import UnsettledRow
    from linkage.person import Demographics

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A record that no trace, number or person's decision has settled.

    ``outcome`` and ``reason`` are the latest trace's (`linkage.findings.Outcome`, `linkage.reasons`), ``flags`` its
    flags (`linkage.findings.Flag`); ``nhs_number`` is the valid number that the source gave, or empty; ``asked`` is
    what the source says of the person, in its own spelling.
    """

    source_person_id: str
    source: str
    organisation: str
    local_id: str
    outcome: str
    reason: str
    flags: frozenset[str]
    nhs_number: str
    asked: Demographics


def residue(house: House, permit: Permit, *, sources: Collection[str] = ()) -> Iterator[Unsettled]:
    """Yield the records traced without a match and joined by nobody since, by id, in constant memory.

    Without ``sources`` those of every source. Records merged away by their source, and those not traced yet, are not
    among them. Whoever reads says to the gate whom the answer is about.

    Raises:
        NotPermitted: the permit is not the gate's.
    """
    require(permit)
    everybody = permit.purpose == Purpose.PROCESSING
    organisations = None if everybody else (permit.organisation,)
    after = ""
    while rows := house.stores.traces.unsettled(permit, after, _PAGE, sources=sources, organisations=organisations):
        patients = house.stores.records.patients(permit, [row.source_person_id for row in rows])
        yield from (_unsettled(row, patients.get(row.source_person_id, b"{}")) for row in rows)
        after = rows[-1].source_person_id


def _unsettled(row: UnsettledRow, patient: bytes) -> Unsettled:
    return Unsettled(
        source_person_id=row.source_person_id,
        source=row.source,
        organisation=row.organisation,
        local_id=row.person_ref,
        outcome=row.outcome,
        reason=row.reason,
        flags=row.flags,
        nhs_number=row.nhs_number,
        asked=to_demographics(orjson.loads(patient)),
    )
