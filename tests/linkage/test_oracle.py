"""Keys and score against a slow, obvious oracle: everybody compared with everybody."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.compare import FIELDS, compare
from linkage.decide import Candidate, Matcher
from linkage.keys import index_keys, probe_keys
from linkage.model import Frequencies, Model
from linkage.normalise import normalise
from linkage.person import Demographics, Person

if TYPE_CHECKING:
    from collections.abc import Sequence


def weight(model: Model, counts: dict[str, dict[str, int]], people: int, asked: Person, held: Person) -> float:
    """A pair's bits, read from the model file word by word."""
    levels = dict(zip(FIELDS, compare(asked, held), strict=True))
    total = 0.0
    for field, level in levels.items():
        rule = model.comparisons[field][level]
        bits = rule.bits
        if rule.per_person:
            size = max(people, model.prior.least_people)
            bits = max(1.0, bits + log2(size / model.prior.reference_people))
        if rule.frequency:
            shared = {held.given} if field == "given" else _surnames(asked) & _surnames(held)
            name = asked.family if asked.family in shared else shared.pop()
            about = model.term_frequencies[field]
            share = (counts[field].get(name, 0) + about.typical * about.pull) / (people + about.pull)
            bits += about.strength * log2(about.typical / max(share, about.floor))
        total += bits
    for term in model.interactions:
        if any(all(levels[field] in wanted for field, wanted in when.items()) for when in term.when):
            total += term.bits
    return total


def _surnames(person: Person) -> set[str]:
    return {person.family, *person.previous_family}


NAMES = st.sampled_from(["Patel", "Shah", "Smith", "Smyth", "Asha", "Usha", "Bill", "William", ""])
PEOPLE = st.builds(
    Demographics,
    family=NAMES,
    given=NAMES,
    previous_family=st.sampled_from([(), ("Jones",), ("Smith",)]),
    birth_date=st.sampled_from(["1961-03-04", "1961-04-03", "1961-03-14", "1990-03-04", "1961-01-01", "1961"]),
    gender=st.sampled_from(["male", "female"]),
    postcode=st.sampled_from(["LE2 1AA", "LE2 1AB", ""]),
    address=st.sampled_from([(), ("12 High Street",)]),
    phone=st.sampled_from([(), ("07700900123",)]),
).map(normalise)


@settings(deadline=None)
@given(asked=PEOPLE, people=st.lists(PEOPLE, min_size=1, max_size=8))
def test_keys_and_score_rank_as_comparing_everybody_with_everybody_does(
    each_model: Model, asked: Person, people: Sequence[Person]
) -> None:
    frequencies = Frequencies.of(people)
    rows = [Candidate(f"{place:02d}", person) for place, person in enumerate(people)]
    probes = set(probe_keys(asked))
    keyed = [row for row in rows if probes & set(index_keys(row.person))]
    ranked = Matcher(each_model, frequencies, len(people)).rank(asked, keyed)
    counts = frequencies.as_counts()
    everybody = {row.person_id: weight(each_model, counts, len(people), asked, row.person) for row in rows}
    assert [scored.bits for scored in ranked] == pytest.approx(
        sorted((everybody[row.person_id] for row in keyed), reverse=True)
    )
    best = max(everybody.values())
    winners = {name for name, bits in everybody.items() if bits == pytest.approx(best)}
    if winners & {row.person_id for row in keyed}:
        assert ranked[0].bits == pytest.approx(best)
