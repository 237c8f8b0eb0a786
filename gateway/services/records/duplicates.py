"""Use case: which of an organisation's own records are the same person, so that the organisation can mend its system.

Two records of one source are duplicates when they are joined to one person: by number, by a reviewer, or (people the
index does not hold) by the model alone, which is said. Only the caller's own organisation's are shown: another's
duplicates are that one's affair. A protected person's two identities are two people here as everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from gateway.storage.links import Basis
from ig.decide import Population
from ig.purpose import Dataset, Element, Level

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.storage.traces import Shared

MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one source that are one person. ``grounds`` says of each record why, in the order of ``records``.

    ``records`` are ``SOURCE/ORGANISATION/LOCAL-ID``, as the source itself knows them.
    """

    source: str
    records: tuple[str, ...]
    grounds: tuple[str, ...]

    @property
    def by_model_alone(self) -> bool:
        """Whether nothing but the model says so: nobody in the index, no number, no reviewer."""
        return Basis.OWN in self.grounds


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups, at most as many as were asked for, and for each source how many groups and records there are in all."""

    groups: tuple[Group, ...]
    counts: dict[str, tuple[int, int]]


def duplicates(house: House, caller: Caller, limit: int = 100) -> Duplicates:
    """Return the groups of the caller's organisation, by source.

    Raises:
        NotPermitted: the caller's agreement does not let them look at everybody of the organisation.
        Unavailable: the ledger cannot take the row; nothing leaves.
    """
    organisation = caller.organisation
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job=f"duplicates-{organisation}",
    ) as passage:
        together: dict[tuple[str, str], list[Shared]] = defaultdict(list)
        for one in house.stores.traces.shared(passage.permit, organisation):
            together[one.source, one.person_id].append(one)
        shown = dict(islice(together.items(), min(limit, MOST)))
        passage.disclose({person for _, person in shown}, rows=len(shown))
    counts: dict[str, tuple[int, int]] = {}
    for (source, _), records in together.items():
        groups, held = counts.get(source, (0, 0))
        counts[source] = groups + 1, held + len(records)
    return Duplicates(tuple(_group(source, organisation, records) for (source, _), records in shown.items()), counts)


def _group(source: str, organisation: str, records: list[Shared]) -> Group:
    return Group(
        source,
        tuple(f"{source}/{organisation}/{one.person_ref}" for one in records),
        tuple(one.basis for one in records),
    )
