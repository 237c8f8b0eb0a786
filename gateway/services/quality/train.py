"""Use case: train a model on the people as they are now, or on a population folder; nothing is put in use.

Of the house are read: the index, once, and source records, with the permit of a processing grant and one disclosure
row; what comes out are weights, counts and shares, and nothing of anybody. What reviewers have decided refines the
result where there is enough of it; on a population folder, its truth does when asked for.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from adapters.feed import Feed
from gateway.errors import InputError, Unavailable
from gateway.services.files import binary
from gateway.services.progress import silent
from gateway.services.quality.contests import contests_of
from gateway.services.quality.files import index_people, questions
from gateway.services.quality.population import INDEX, QUERIES, open_population
from gateway.storage.reviews import CaseState
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from linkage import calibrate
from linkage.calibration import calibrated_odds, probability
from linkage.evaluate import calibration_error, reliability
from linkage.frequencies import Frequencies
from linkage.model import load
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Person, StalePerson
from linkage.refine import TooFewQuestions, refine
from linkage.refine_contests import Rival, best, compared
from linkage.score import Scorer
from linkage.train import TooFewPairs, train
from linkage.train_samples import Gathering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.quality.population import Population as Truth
    from gateway.storage.permit import Permit
    from linkage.evaluate import Bin
    from linkage.model import Model
    from linkage.refine import Refined
    from linkage.refine_contests import Contests
    from linkage.train import Trained
    from linkage.train_samples import Samples

MOST_ASKED: Final = 40_000
"""So many source people are enough for every rate; their ids are hashes, so the first in their order are a fair lot."""

RANDOM_PAIRS: Final = 500_000
_PAGE: Final = 1_000
_SELDOM: Final = 10_000
_PARTS: Final = 4
_TO_CALIBRATE, _TO_CHECK = 2, 3
"""Of four parts of a truth two refine, one calibrates, and one is kept to see whether that holds."""

Asked = tuple[Person, list[Rival]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: from which model, what to call the result, and by which seed to draw how many random pairs."""

    model: Model
    version: str
    seed: int = 1
    random_pairs: int = RANDOM_PAIRS
    most_asked: int = MOST_ASKED


@dataclass(frozen=True, slots=True)
class Training:
    """What came of it. ``refined`` is None where no answers were known, or too few of them (``answers``).

    ``bins`` compare claims with the truth on answers that neither refined nor calibrated; empty without a truth.
    """

    before: Model
    after: Model
    content: bytes
    samples: Samples
    trained: Trained
    refined: Refined | None
    answers: int
    bins: tuple[Bin, ...] = ()

    @property
    def calibration_error(self) -> float:
        """How far claims are from the truth, on average; 0 where nothing was checked."""
        return calibration_error(self.bins)


def train_on_house(house: House, caller: Caller, plan: Plan, report: Report = silent) -> Training:
    """Train on the index and the source records of this house, and refine by what reviewers have decided.

    Raises:
        NotPermitted: no processing grant covers it.
        InputError: too few people or pairs to learn from.
        Unavailable: no index is loaded, it was made by another version, or the ledger cannot take the row.
    """
    info = house.stores.index.describe()
    if info is None:
        raise Unavailable("no index is loaded: run 'gateway index load'", reason="index-absent")
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="train",
    ) as passage:
        permit = passage.permit
        gathering = Gathering(islice(_source_people(house, permit), plan.most_asked), seed=plan.seed)
        for count, packed in enumerate(house.stores.index.each_packed(permit), 1):
            gathering.see(_unpacked(packed))
            if count % _SELDOM == 0:
                report(count, info.people)
        samples = gathering.samples(plan.random_pairs, _hidden(house, permit, gathering))
        reviewed = list(_reviewed(house, permit))
        passage.disclose((), rows=samples.asked)
    trained = _train(plan, samples)
    start = load(orjson.dumps(trained.content))
    frequencies = Frequencies(house.stores.index.terms(), info.people)
    contests = compared(Scorer(start, frequencies, info.people), reviewed)
    refined = _refine(trained, contests, info.people, plan, "reviewers")
    content = refined.content if refined else trained.content
    return _done(plan, samples, trained, refined, content, len(contests.starts))


def train_on_population(folder: Path, plan: Plan, *, by_truth: bool, report: Report = silent) -> Training:
    """Train on a population folder; with ``by_truth`` refine and calibrate by its truth too.

    Raises:
        InputError: a file is missing or unusable, or there are too few people or pairs to learn from.
    """
    queries, held = folder / QUERIES, folder / INDEX
    with closing(questions(Feed(queries.name, lambda: binary(queries)))) as rows:
        asked = [normalise(said) for _, said in islice(rows, plan.most_asked)]
    gathering = Gathering(asked, seed=plan.seed)
    hidden: set[NhsNumber] = set()
    for count, row in enumerate(index_people(Feed(held.name, lambda: binary(held))), 1):
        gathering.see(normalise(row.demographics))
        if row.sensitivity.hides_location:
            hidden.add(NhsNumber.parse(row.demographics.nhs_number))
        if count % _SELDOM == 0:
            report(count, None)
    samples = gathering.samples(plan.random_pairs, hidden)
    trained = _train(plan, samples)
    if not by_truth:
        return _done(plan, samples, trained, None, trained.content, 0)
    return _by_truth(plan, samples, trained, open_population(folder, report), report)


def _by_truth(plan: Plan, samples: Samples, trained: Trained, population: Truth, report: Report) -> Training:
    start = load(orjson.dumps(trained.content))
    frequencies, people = population.prepared.frequencies, population.prepared.people
    contests = contests_of(population, start, plan.most_asked, report)
    part = contests.asked % _PARTS
    refined = _refine(trained, contests.only(part < _TO_CALIBRATE), people, plan, "truth")
    if refined is None:
        return _done(plan, samples, trained, None, trained.content, len(contests.starts))
    scorer = Scorer(load(orjson.dumps(refined.content)), frequencies, people)
    to_fit = best(scorer, contests.only(part == _TO_CALIBRATE))
    refined.content["calibration"] = calibrate.fit(to_fit.odds, to_fit.right)
    checked = best(scorer, contests.only(part == _TO_CHECK))
    knots = load(orjson.dumps(refined.content)).calibration
    claimed = np.array([probability(calibrated_odds(knots, odds)) for odds in checked.odds.tolist()])
    bins = reliability(claimed, checked.right)
    return _done(plan, samples, trained, refined, refined.content, len(contests.starts), bins)


def _train(plan: Plan, samples: Samples) -> Trained:
    try:
        return train(plan.model, samples, version=plan.version, seed=plan.seed)
    except TooFewPairs as few:
        raise InputError(f"too little to learn from: {few}", reason="too-few-pairs") from None


def _refine(trained: Trained, contests: Contests, people: int, plan: Plan, labels: str) -> Refined | None:
    """Refit on known answers, or say by None that they are too few."""
    notes = {**trained.content["provenance"], "answers-by": labels}
    start = load(orjson.dumps(trained.content))
    try:
        return refine(start, contests, people, version=plan.version, seed=plan.seed, notes=notes)
    except TooFewQuestions:
        return None


def _done(  # noqa: PLR0913, PLR0917 - all that came of it
    plan: Plan,
    samples: Samples,
    trained: Trained,
    refined: Refined | None,
    content: dict[str, Any],
    answers: int,
    bins: tuple[Bin, ...] = (),
) -> Training:
    data = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    return Training(plan.model, load(data), data + b"\n", samples, trained, refined, answers, bins)


def _source_people(house: House, permit: Permit) -> Iterator[Person]:
    """Everybody a source holds, in order of id."""
    after = ""
    while page := house.stores.records.source_people(permit, after, _PAGE):
        yield from (_unpacked(who.packed) for who in page)
        after = page[-1].source_person_id


def _hidden(house: House, permit: Permit, gathering: Gathering) -> set[NhsNumber]:
    """Of the people in pairs, those whose location is neither keyed, scored nor shown."""
    numbers = sorted(gathering.numbers(), key=lambda number: number.digits)
    hidden: set[NhsNumber] = set()
    for start in range(0, len(numbers), _PAGE):
        found = house.stores.index.by_numbers(permit, numbers[start : start + _PAGE])
        hidden |= {number for number, held in found.items() if held.security.hides_location}
    return hidden


def _reviewed(house: House, permit: Permit) -> Iterator[Asked]:
    """Decided cases, compared as the people are now: who of the candidates it was, or that it was none of them."""
    after = ""
    while cases := house.stores.reviews.list(permit, CaseState.DECIDED, after, _PAGE):
        packed = house.stores.records.packed_of(permit, {case.source_person_id for case in cases})
        for case in cases:
            if case.source_person_id in packed:
                named = [house.stores.index.by_person(permit, one.person_id) for one in case.candidates]
                rivals = [
                    Rival(held.person, held.security.hides_location, held.person_id == case.person_id)
                    for held in named
                    if held is not None
                ]
                # who was right may have left the index since: then nobody's right tells nothing
                if not case.person_id or any(rival.right for rival in rivals):
                    yield _unpacked(packed[case.source_person_id]), rivals
        after = cases[-1].case_id


def _unpacked(packed: bytes) -> Person:
    try:
        return Person.unpack(packed)
    except StalePerson:
        message = "people are kept by another version of the normalisation: load the index and the records again"
        raise Unavailable(message, reason="index-stale") from None
