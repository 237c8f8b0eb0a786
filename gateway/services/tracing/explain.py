"""Use case: why is this record joined, proposed or left alone? In words, for those who may see evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import NotFound
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.explain import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.storage.links import Link
    from gateway.storage.traces import TraceResult


def explain_source_person(house: House, caller: Caller, source_person_id: str) -> list[str]:
    """Return the latest trace and every link fact about one source person, as lines of words.

    Raises:
        NotPermitted: the caller's agreement shows them no evidence.
        NotFound: there is no such source person.
    """
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER, Element.EVIDENCE},
        subject=Described(),
        filtered_on={Element.EVIDENCE},
    ) as passage:
        traced = house.stores.traces.of(passage.permit, source_person_id)
        history = house.stores.links.history(passage.permit, source_person_id)
        if traced is None and not history:
            raise NotFound("no record has this id", reason="source-person")
        passage.disclose({link.person_id for link in history if not link.sealed}, rows=len(history))
    return [*_traced(traced), *(line for link in history if not link.sealed for line in _link(link))]


def _traced(traced: TraceResult | None) -> Iterator[str]:
    if traced is None:
        yield "not traced yet"
        return
    step = f" by {traced.step}" if traced.step else ""
    yield f"traced: {traced.outcome}{step} ({traced.reason}), model {traced.model}"
    for flag in traced.flags:
        yield f"  flag: {flag}"


def _link(link: Link) -> Iterator[str]:
    weight = f", {link.bits:+.1f} bits" if link.bits is not None else ""
    yield f"{link.at:%Y-%m-%d %H:%M} {link.kind} {link.person_id} ({link.basis} by {link.actor}{weight})"
    for piece in link.evidence:
        yield f"  {describe(piece)}"
