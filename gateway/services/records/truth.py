"""How links compare with a truth that somebody holds: right, false and missed, with intervals.

For demonstrations and evaluations on synthetic people, where the truth was planted.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from gateway.storage.records import source_person_id
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage.evaluate import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.auth.caller import Caller
    from gateway.house import House


class Truth(NamedTuple):
    """Who a source's person really is: ten digits, or empty for somebody whom the index does not hold."""

    source: str
    organisation: str
    person_ref: str
    nhs_number: str


def compare(house: House, caller: Caller, truths: Iterable[Truth]) -> dict[str, Tally]:
    """Return for each source how its traces agree with the truth.

    Raises:
        NotPermitted: no processing grant covers linking.
    """
    tallied: dict[str, Tally] = defaultdict(Tally)
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="compare-with-truth",
    ) as passage:
        found = house.stores.traces.numbers_found(passage.permit)
        for truth in truths:
            person = source_person_id(truth.source, truth.organisation, truth.person_ref)
            if person in found:
                tallied[truth.source] += Tally.of(found[person] or None, truth.nhs_number or None)
        passage.disclose((), rows=len(found))
    return dict(tallied)
