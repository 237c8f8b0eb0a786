"""Use cases of the blind sample: draw pairs from the links and non-links of today, judge them, and turn it into rates.

What synthetic truth cannot say of a live index, people can: a reviewer is shown two records and says whether they are
one person, without knowing what the model made of them. The frame is everybody whom the model alone decided about, of
organisations whose records the reviewers' agreement shows: those it joined, by step, and those it left apart, with the
likeliest person it left them apart from; both also by how far the weight is from the threshold. Whatever a person has
decided, and whoever is protected, is not drawn from.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.errors import InputError, NotFound
from gateway.services.progress import silent
from gateway.services.quality.records import Side, side
from gateway.services.quality.sections import Section
from gateway.services.records.decided import standing
from gateway.services.tracing.against import checked_against
from gateway.storage.links import Basis
from gateway.storage.samples import Drawn, Sample, Verdict
from gateway.storage.schema import now
from ig.decide import Described, Population
from ig.purpose import Dataset, Element, Level
from linkage.model import Use
from linkage.person import Person
from linkage.ranking import odds
from linkage.sample import Estimate, Stratum, allocate, estimate, missed_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from gateway.auth.caller import Caller
    from gateway.engine import Engine
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.storage.records import SourcePerson
    from gateway.storage.samples import Judged, Pair, Progress
    from linkage.findings import Scored

LINKED, APART = "linked", "apart"
STEPS: Final = frozenset({Basis.CROSS_CHECK, Basis.ALPHANUMERIC, Basis.ALGORITHMIC})
"""The grounds on which the model alone joins; a link that a person or PDS confirmed says nothing of the model."""

_AT_ONCE: Final = 500
_NEAR, _CLEAR = 4.0, 12.0
_BANDS: Final = ((_NEAR, "within 4 bits"), (_CLEAR, "within 12 bits"), (float("inf"), "beyond"))


class _Unit(NamedTuple):
    source_person_id: str
    person_id: str
    stratum: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair as a reviewer sees it: two records, side by side, and nothing of what the model made of them."""

    pair_id: str
    source: Side
    index: Side
    answered: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Rates:
    """What the answers say. Counts and rates; ``disputed`` are ids of linked records that a reviewer told apart.

    ``false`` is the share of the model's joins that are wrong, ``missed`` that of people in the index not joined to
    themselves. ``worst_false`` counts every "cannot tell" as an error.
    """

    sample: Sample
    progress: Progress
    answers: Mapping[str, int]
    false: Estimate
    worst_false: Estimate
    missed: Estimate
    disputed: Sequence[str]


def draw(house: House, caller: Caller, size: int, report: Report = silent) -> Sample:
    """Draw a sample of ``size`` pairs, and more from where errors are likelier; it takes the place of the one before.

    Raises:
        InputError: there is nothing to draw from, or ``size`` is too small for two of each stratum.
        NotPermitted: the caller is no reviewer.
        Unavailable: no usable index, or the ledger could not take the row.
    """
    checked_against(house)
    with _gate(house, caller, everybody=True) as passage:
        frame = list(_frame(house, passage, report))
        sizes = Counter(unit.stratum for unit in frame)
        if not sizes:
            raise InputError("nothing has been linked here: run 'gateway link'", reason="sample-empty", field="sample")
        try:
            wanted = allocate(sizes, size)
        except ValueError as small:
            raise InputError(str(small), reason="sample-small", field="sample") from None
        sample = Sample(str(uuid.uuid4()), house.engine().model, dict(sizes), caller.subject, now())
        house.gate.administer(caller, "sample:draw", sample.sample_id, pairs=sum(wanted.values()))
        with house.stores.transaction() as tx:
            house.stores.samples.put(tx, sample, _drawn(frame, sizes, wanted))
        passage.disclose((), rows=0)
    return sample


def next_pair(house: House, caller: Caller) -> Shown | None:
    """Return the next pair to be judged, or None when every pair has an answer.

    Raises:
        NotFound: no sample has been drawn, or a record of the pair is gone.
        NotPermitted: the caller is no reviewer.
    """
    with _gate(house, caller) as passage:
        sample = _last(house)
        pair = house.stores.samples.next_pair(passage.permit, sample.sample_id)
        return _shown(house, passage, sample, pair) if pair else None


def answer(house: House, caller: Caller, pair_id: str, verdict: Verdict) -> None:
    """Record what a reviewer says of a pair. It is an answer to a question about quality, and changes no link.

    Raises:
        NotFound: there is no such pair.
        Conflict: it has an answer already.
        NotPermitted: the caller is no reviewer.
    """
    with _gate(house, caller) as passage:
        pair = house.stores.samples.pair(passage.permit, pair_id)
        passage.disclose([pair.person_id], rows=0)
    house.gate.administer(caller, "sample:answer", pair_id)
    with house.stores.transaction() as tx:
        house.stores.samples.answer(tx, pair_id, verdict, caller.subject)


def results(house: House, caller: Caller) -> Rates:
    """Turn the answers to the last sample into rates.

    Raises:
        NotFound: no sample has been drawn.
        NotPermitted: the caller is no reviewer.
    """
    with _gate(house, caller) as passage:
        sample = _last(house)
        judged = house.stores.samples.judged(passage.permit, sample.sample_id)
        passage.disclose((), rows=0)
    told = [one for one in judged if one.verdict not in {"", Verdict.CANNOT_TELL}]
    heard = [one for one in judged if one.verdict]
    linked, apart = (
        _strata(sample, told, kind, counted)
        for kind, counted in ((LINKED, {Verdict.DIFFERENT}), (APART, {Verdict.SAME}))
    )
    return Rates(
        sample,
        house.stores.samples.progress(sample.sample_id),
        Counter(one.verdict for one in heard),
        estimate(linked),
        estimate(_strata(sample, heard, LINKED, {Verdict.DIFFERENT, Verdict.CANNOT_TELL})),
        missed_rate(linked, apart),
        [one.source_person_id for one in told if one.stratum.startswith(LINKED) and one.verdict == Verdict.DIFFERENT],
    )


def sections_of(rates: Rates) -> Iterator[Section]:
    """Say what the answers came to: rates with their intervals, and the linked records that a reviewer told apart."""
    told = ", ".join(f"{verdict} {count:,}" for verdict, count in sorted(rates.answers.items())) or "none"
    pairs = sum(rates.sample.strata.values())
    text = (
        f"Model {rates.sample.model}, drawn {rates.sample.at:%Y-%m-%d} from {pairs:,} pairs; "
        f"{rates.progress.answered:,} of {rates.progress.pairs:,} answered: {told}."
    )
    named = {
        "false rate": rates.false,
        "false rate, 'cannot tell' counted as wrong": rates.worst_false,
        "missed rate (a lower bound)": rates.missed,
    }
    columns = ("rate", "estimate", "95 %", "standard error", "of the frame")
    yield Section("Blind sample", text, columns, tuple(_line(name, one) for name, one in named.items()))
    if rates.disputed:
        rows = tuple((name,) for name in rates.disputed)
        yield Section("Linked records that a reviewer told apart: look at each", "", ("record",), rows)


def _line(name: str, one: Estimate) -> tuple[str, ...]:
    if not one.covered:
        return name, "-", "-", "-", "0%"
    return (
        name,
        f"{one.value:.4f}",
        f"{one.low:.4f} to {one.high:.4f}",
        f"{one.variance**0.5:.4f}",
        f"{one.covered:.0%}",
    )


def _strata(sample: Sample, judged: Sequence[Judged], kind: str, counted: set[Verdict]) -> list[Stratum]:
    answers: defaultdict[str, list[bool]] = defaultdict(list)
    for one in judged:
        answers[one.stratum].append(one.verdict in counted)
    return [
        Stratum(size, len(answers[name]), sum(answers[name]))
        for name, size in sorted(sample.strata.items())
        if name.startswith(kind)
    ]


def _frame(house: House, passage: Passage, report: Report) -> Iterator[_Unit]:
    """Yield every pair that the model decided about alone, with its stratum."""
    last, done = "", 0
    while people := house.stores.records.source_people(passage.permit, last, _AT_ONCE):
        yield from _units(house, passage, people)
        last, done = people[-1].source_person_id, done + len(people)
        report(done, None)


def _units(house: House, passage: Passage, people: Sequence[SourcePerson]) -> Iterator[_Unit]:
    engine, readable = house.engine(), [who for who in people if who.organisation in passage.permit.providers]
    at = standing(house, passage.permit, readable)
    sealed = {fact.source_person_id for fact in at.seals}
    threshold = engine.matcher.model.thresholds[Use.PROPOSE]
    for who in readable:
        name = who.source_person_id
        link, ruling = at.link(name), at.rulings[name]
        if ruling.nevers or ruling.separated or at.never[name] or name in sealed:
            continue
        if link is not None and link.basis in STEPS and link.bits is not None:
            ahead = odds(engine.matcher.scorer, link.bits) - threshold.match
            yield _Unit(name, link.person_id, f"{LINKED}, {link.basis.value}, {_band(ahead)}")
        elif (link is None or link.basis is Basis.OWN) and (best := _likeliest(engine, passage, who)):
            behind = threshold.review - odds(engine.matcher.scorer, best.bits)
            yield _Unit(name, best.candidate.person_id, f"{APART}, {'doubtful' if behind <= 0 else _band(behind)}")


def _likeliest(engine: Engine, passage: Passage, who: SourcePerson) -> Scored | None:
    """Whom the record was left apart from, if there is anybody near at all."""
    asked = Person.unpack(who.packed)
    ranked = engine.matcher.rank(asked, engine.candidates(passage.permit, asked))
    return ranked[0] if ranked else None


def _band(bits: float) -> str:
    """How far from the threshold, on either side of it."""
    return next(name for limit, name in _BANDS if abs(bits) <= limit)


def _drawn(frame: Sequence[_Unit], sizes: Mapping[str, int], wanted: Mapping[str, int]) -> list[Drawn]:
    """Draw from each stratum without replacement, and mix what was drawn: the order tells nobody the stratum."""
    chance = SystemRandom()
    members: defaultdict[str, list[_Unit]] = defaultdict(list)
    for unit in frame:
        members[unit.stratum].append(unit)
    drawn = [
        Drawn(str(uuid.uuid4()), unit.source_person_id, unit.person_id, name, wanted[name] / sizes[name])
        for name, units in members.items()
        for unit in chance.sample(units, wanted[name])
    ]
    chance.shuffle(drawn)
    return drawn


def _shown(house: House, passage: Passage, sample: Sample, pair: Pair) -> Shown:
    said = house.stores.records.source_person(passage.permit, pair.source_person_id)
    held = house.stores.index.by_person(passage.permit, pair.person_id)
    if said is None or held is None:
        raise NotFound("a record of this pair is not held any more", reason="sample-pair")
    passage.disclose([pair.person_id], rows=1)
    progress = house.stores.samples.progress(sample.sample_id)
    hide = held.security.hides_location
    source, index = (side(one, passage.allows, hide=hide) for one in (Person.unpack(said.packed), held.person))
    return Shown(pair.item_id, source, index, progress.answered, progress.pairs)


def _last(house: House) -> Sample:
    sample = house.stores.samples.last()
    if sample is None:
        raise NotFound("no sample has been drawn: gateway evaluate --sample N", reason="sample")
    return sample


def _gate(house: House, caller: Caller, *, everybody: bool = False) -> AbstractContextManager[Passage]:
    """For reviewers alone: whoever may not see why two records were thought one person may not judge that either."""
    return house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields=frozenset(Element),
        subject=Population() if everybody else Described(),
        filtered_on={Element.EVIDENCE},
        job="sample-draw" if everybody else "",
    )
