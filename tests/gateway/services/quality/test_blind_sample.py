"""The blind sample: drawn from what the model alone decided, judged without knowing what that was, made into rates."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gateway.errors import Conflict, InputError, NotFound, NotPermitted
from gateway.services.quality import sample as samples
from gateway.services.quality.records import side
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.permit import mint
from gateway.storage.samples import Verdict
from ig.purpose import Element
from linkage.normalise import normalise
from linkage.person import Demographics
from tests.gateway import houses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.samples import Judged, Sample

MODELS_OWN = ("bits", "weight", "posterior", "evidence", "step", "stratum", "linked", "apart", "algorithmic", "matched")


@pytest.fixture
def reviewer(own_county: House) -> Caller:
    """The one who judges."""
    return houses.persona(own_county, "reviewer")


@pytest.fixture
def drawn(own_county: House, reviewer: Caller) -> Sample:
    """A sample of the county."""
    return samples.draw(own_county, reviewer, 40)


def pairs(house: House, reviewer: Caller, verdict: Callable[[samples.Shown], Verdict]) -> Iterator[samples.Shown]:
    """Judge every pair of the last sample in turn."""
    while shown := samples.next_pair(house, reviewer):
        samples.answer(house, reviewer, shown.pair_id, verdict(shown))
        yield shown


def test_pairs_come_from_links_and_non_links_by_step_and_distance(own_county: House, drawn: Sample) -> None:
    kinds = Counter(name.split(",")[0] for name in drawn.strata)
    assert kinds[samples.LINKED] >= 2
    assert kinds[samples.APART] >= 1
    assert any("cross-check" in name for name in drawn.strata)
    assert own_county.stores.samples.progress(drawn.sample_id).pairs == 40


def test_every_pair_is_kept_with_the_probability_it_was_drawn_with(own_county: House, drawn: Sample) -> None:
    judged = own_county.stores.samples.judged(permit_of(own_county), drawn.sample_id)
    by_stratum = Counter(one.stratum for one in judged)
    assert all(one.probability == by_stratum[one.stratum] / drawn.strata[one.stratum] for one in judged)
    assert len({one.source_person_id for one in judged}) == 40


def test_a_reviewer_sees_two_records_and_nothing_of_what_the_model_made_of_them(
    own_county: House, reviewer: Caller, drawn: Sample
) -> None:
    assert {field.name for field in dataclasses.fields(samples.Shown)} == {
        "pair_id",
        "source",
        "index",
        "answered",
        "pairs",
    }
    for shown in pairs(own_county, reviewer, lambda _: Verdict.SAME):
        assert shown.source.keys() == shown.index.keys()
        assert {"Last name", "Date of birth", "Postcode"} <= shown.source.keys()
        labels = " ".join(shown.source).lower()
        assert not any(word in labels for word in MODELS_OWN)
        assert drawn.sample_id not in repr(shown)


def test_all_answers_right_make_no_false_link_and_none_is_disputed(own_county: House, reviewer: Caller) -> None:
    samples.draw(own_county, reviewer, 40)
    linked = {one.source_person_id for one in judged_of(own_county) if one.stratum.startswith(samples.LINKED)}
    stored = own_county.stores.samples
    while shown := samples.next_pair(own_county, reviewer):
        pair = stored.pair(permit_of(own_county), shown.pair_id)
        same = pair.source_person_id in linked
        samples.answer(own_county, reviewer, shown.pair_id, Verdict.SAME if same else Verdict.DIFFERENT)
    rates = samples.results(own_county, reviewer)
    assert rates.progress.answered == rates.progress.pairs == 40
    assert (rates.false.value, rates.missed.value) == (0.0, 0.0)
    assert 0 < rates.false.high < 0.5
    assert rates.disputed == []
    assert sum(rates.answers.values()) == 40


def test_links_told_apart_are_false_and_named_and_non_links_joined_are_missed(
    own_county: House, reviewer: Caller, drawn: Sample
) -> None:
    strata = {one.source_person_id: one.stratum for one in judged_of(own_county)}
    stored = own_county.stores.samples
    wrong = ""
    while shown := samples.next_pair(own_county, reviewer):
        name = stored.pair(permit_of(own_county), shown.pair_id).source_person_id
        is_linked = strata[name].startswith(samples.LINKED)
        wrong = wrong or (name if is_linked else "")
        samples.answer(
            own_county, reviewer, shown.pair_id, Verdict.DIFFERENT if is_linked and name == wrong else Verdict.SAME
        )
    rates = samples.results(own_county, reviewer)
    assert list(rates.disputed) == [wrong]
    assert 0 < rates.false.value < rates.false.high
    linked, apart = (
        sum(size for name, size in drawn.strata.items() if name.startswith(kind))
        for kind in (samples.LINKED, samples.APART)
    )
    right = linked * (1 - rates.false.value)
    assert rates.missed.value == pytest.approx(apart / (apart + right))
    told = "\n".join(section.as_text() for section in samples.sections_of(rates))
    assert wrong in told
    assert "false rate" in told


def test_what_cannot_be_told_counts_as_wrong_in_the_worst_case_alone(own_county: House, reviewer: Caller) -> None:
    samples.draw(own_county, reviewer, 40)
    list(pairs(own_county, reviewer, lambda _: Verdict.CANNOT_TELL))
    rates = samples.results(own_county, reviewer)
    assert (rates.false.covered, rates.worst_false.value) == (0.0, 1.0)
    assert "cannot-tell 40" in next(iter(samples.sections_of(rates))).text


def test_an_answer_changes_no_link_and_is_given_once(own_county: House, reviewer: Caller, drawn: Sample) -> None:
    before = own_county.stores.digest()
    shown = samples.next_pair(own_county, reviewer)
    assert shown is not None
    samples.answer(own_county, reviewer, shown.pair_id, Verdict.DIFFERENT)
    assert own_county.stores.digest() == before
    with pytest.raises(Conflict, match="an answer already"):
        samples.answer(own_county, reviewer, shown.pair_id, Verdict.SAME)
    with pytest.raises(NotFound, match="no such pair"):
        samples.answer(own_county, reviewer, drawn.sample_id, Verdict.SAME)


def test_every_look_and_every_answer_is_a_row_of_the_ledger(
    own_county: House, reviewer: Caller, watch: Callable[[House], houses.Watch]
) -> None:
    watched = watch(own_county)
    samples.draw(own_county, reviewer, 40)
    shown = samples.next_pair(own_county, reviewer)
    assert shown is not None
    samples.answer(own_county, reviewer, shown.pair_id, Verdict.SAME)
    text = watched.text()
    assert "sample:draw" in text
    assert "sample:answer" in text
    assert len(watched.rows()) >= 5


@pytest.mark.parametrize("name", ["data-team", "social-worker", "ig-officer"])
def test_nobody_but_a_reviewer_draws_looks_answers_or_reads_results(
    own_county: House, reviewer: Caller, name: str
) -> None:
    samples.draw(own_county, reviewer, 40)
    shown = samples.next_pair(own_county, reviewer)
    assert shown is not None
    other = houses.persona(own_county, name)
    for use in (
        lambda: samples.draw(own_county, other, 40),
        lambda: samples.next_pair(own_county, other),
        lambda: samples.answer(own_county, other, shown.pair_id, Verdict.SAME),
        lambda: samples.results(own_county, other),
    ):
        with pytest.raises(NotPermitted):
            use()


def test_whoever_a_person_has_decided_about_is_not_drawn_from(own_county: House, reviewer: Caller) -> None:
    """A reviewer's decision is not the model's, and a never-link is nobody's business here."""
    before = samples.draw(own_county, reviewer, 40)
    one = next(one for one in judged_of(own_county) if "cross-check" in one.stratum)
    link = own_county.stores.links.standing(permit_of(own_county), [one.source_person_id])[one.source_person_id]
    with own_county.stores.transaction() as tx:
        fact = NewLink(one.source_person_id, link.person_id, LinkKind.NEVER, Basis.PERSON, "somebody")
        own_county.stores.links.append(tx, [fact])
    after = samples.draw(own_county, reviewer, 40)
    assert sum(after.strata.values()) == sum(before.strata.values()) - 1


def test_a_sample_too_small_for_its_strata_is_refused_with_the_least_there_is(
    own_county: House, reviewer: Caller
) -> None:
    with pytest.raises(InputError, match="at least"):
        samples.draw(own_county, reviewer, 2)


def test_without_links_there_is_nothing_to_draw_from(own_town: House) -> None:
    with pytest.raises(InputError, match="gateway link"):
        samples.draw(own_town, houses.persona(own_town, "reviewer"), 10)


def test_without_a_sample_there_is_nothing_to_judge(own_town: House) -> None:
    reviewer = houses.persona(own_town, "reviewer")
    for use in (samples.next_pair, samples.results):
        with pytest.raises(NotFound, match="no sample has been drawn"):
            use(own_town, reviewer)


def test_where_a_person_is_restricted_neither_record_shows_a_place() -> None:
    person = normalise(
        Demographics(family="Smith", given="Ann", postcode="LE1 1AA", phone=("01160000001",), gp_practice="Z99001")
    )
    shown = side(person, lambda _: True, hide=True)
    assert not {"Address", "Postcode", "Earlier postcodes", "Telephone", "E-mail", "GP practice"} & shown.keys()
    assert side(person, lambda _: True, hide=False)["Postcode"] == "LE1 1AA"


def test_only_what_the_agreement_shows_is_there() -> None:
    person = normalise(Demographics(family="Smith", given="Ann", birth_date="1941-03-07", gender="female"))
    assert side(person, lambda name: name == Element.BIRTH_DATE, hide=False) == {"Date of birth": "1941-03-07"}


def permit_of(_: House) -> Permit:
    """What a repository asks for."""
    return mint(decision_id="t", caller="t", organisation="999", purpose="test", agreement="T", providers=["999"])


def judged_of(house: House) -> list[Judged]:
    last = house.stores.samples.last()
    assert last is not None
    return house.stores.samples.judged(permit_of(house), last.sample_id)
