"""A file traced in DuckDB gives every question the answer that tracing one person at a time gives."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from linkage.batch import Report, trace
from linkage.compilers.duckdb import create_table, fill, row
from linkage.compilers.meeting import SCORED
from linkage.decide import Candidate, Death, Matcher, Outcome
from linkage.keys import index_keys, named_keys, probe_keys
from linkage.model import Frequencies, Knot, Model, Use
from linkage.nhs_number import NhsNumber
from linkage.normalise import normalise
from linkage.person import Demographics, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from linkage.batch import Answer
    from linkage.findings import Finding
    from linkage.person import Person
    from tests.linkage.conftest import Town


@dataclass
class Index:
    """An index in memory, in the order of numbers, as the engine for one person reads it."""

    rows: list[Candidate]
    keys: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.rows.sort(key=lambda one: str(one.person.nhs_number))
        self.place = {one.person_id: place for place, one in enumerate(self.rows)}
        self.of_number = {one.person.nhs_number: one for one in self.rows}
        for place, one in enumerate(self.rows):
            for key in index_keys(one.person, one.security):
                self.keys[key].append(place)

    def chain(self, one: Candidate) -> list[Candidate]:
        """The rows that came after one, as far as they are held."""
        seen = [one]
        while one.superseded_by and (after := self.of_number.get(one.superseded_by)) and after not in seen:
            seen.append(after)
            one = after
        return seen[1:]

    def candidates(self, asked: Person, cap: int) -> list[Candidate]:
        """Whoever shares a key, most shared keys first and then by number, with the rows that came after them."""
        shared = Counter(place for key in probe_keys(asked) for place in self.keys.get(key, ()))
        order = sorted(shared, key=lambda place: (-shared[place], str(self.rows[place].person.nhs_number)))
        found = [self.rows[place] for place in order[:cap]]
        return [*found, *(after for one in found for after in self.chain(one))]

    def trace(self, matcher: Matcher, asked: Person, use: Use, never: frozenset[str], cap: int) -> Finding:
        """What `gateway.engine.Engine.trace` does."""
        if held := self.of_number.get(asked.nhs_number) if asked.nhs_number else None:
            *_, last = [held, *self.chain(held)]
            current = last if held.superseded_by and not last.superseded_by else None
            conclusive = matcher.cross_check(asked, held, current)
            if conclusive and not any(one and one.person_id in never for one in (held, current)):
                return conclusive
        return matcher.trace(asked, self.candidates(asked, cap), use=use, never=never)


def as_finding(index: Index, finding: Finding) -> tuple[object, ...]:
    best, others = finding.best, finding.others
    return (
        finding.outcome,
        finding.step,
        finding.reason,
        finding.gap,
        finding.flags,
        (index.place[best.candidate.person_id], best.bits, best.posterior) if best else None,
        tuple(piece.level for piece in best.evidence[:11]) if best else None,
        index.place[others[0].candidate.person_id] if others else None,
    )


def as_answer(answer: Answer) -> tuple[object, ...]:
    best = (answer.held, answer.bits, answer.posterior) if answer.held is not None else None
    told = (answer.outcome, answer.step, answer.reason, answer.gap, answer.flags)
    return (*told, best, answer.levels, answer.runner_up)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as opened:
        yield opened


def put(connection: duckdb.DuckDBPyConnection, index: Index, questions: Sequence[Person]) -> None:
    """The four tables of a batch."""
    create_table(connection, "held")
    held = [
        row(place, one.person, one.security, superseded_by=one.superseded_by, death=one.death)
        for place, one in enumerate(index.rows)
    ]
    fill(connection, "held", held)
    create_table(connection, "asked")
    fill(connection, "asked", [row(place, one) for place, one in enumerate(questions)])
    pairs = [(key, place) for key, places in index.keys.items() for place in places]
    put_pairs(connection, "held_keys", "hash", "person", pairs)
    probes = [(key, place) for place, one in enumerate(questions) for key in probe_keys(one)]
    put_pairs(connection, "asked_keys", "hash", "person", probes)


def put_pairs(
    connection: duckdb.DuckDBPyConnection, table: str, one: str, other: str, pairs: Sequence[tuple[int, int]]
) -> None:
    columns = {one: pa.array([left for left, _ in pairs], pa.int64())}
    columns[other] = pa.array([right for _, right in pairs], pa.int32())
    connection.register("handed_over", pa.table(columns))
    connection.execute(f"CREATE TABLE {table} AS FROM handed_over").fetchall()
    connection.unregister("handed_over")


def mixed(town: Town, seed: int) -> Index:
    """A town with restricted, invalid, dead and superseded rows: chains, rings and successors nobody holds."""
    draw = random.Random(seed)
    numbers = [one.person.nhs_number for one in town.rows.values()]
    nobody = NhsNumber("9000000009")
    rows = []
    for one in town.rows.values():
        successor = draw.choice([*draw.sample(numbers, 3), nobody]) if draw.random() < 0.1 else None
        security = draw.choices(list(Security), (90, 4, 2, 4))[0]
        death = draw.choices(list(Death), (90, 5, 5))[0]
        name = f"{draw.getrandbits(64):016x}"
        rows.append(replace(one, person_id=name, security=security, superseded_by=successor, death=death))
    return Index(rows)


def rule_out(index: Index, questions: Sequence[Person], seed: int) -> dict[int, frozenset[str]]:
    """What people have separated: often whom the number names, or somebody of the same birth date."""
    draw = random.Random(seed)
    never: dict[int, frozenset[str]] = {}
    for place, asked in enumerate(questions):
        if draw.random() < 0.1 and (near := index.candidates(asked, 5)):
            never[place] = frozenset(one.person_id for one in draw.sample(near, 1))
    return never


def disagreements(  # noqa: PLR0913, PLR0917 - an index, questions about it, and how they are asked
    connection: duckdb.DuckDBPyConnection,
    matcher: Matcher,
    index: Index,
    questions: Sequence[Person],
    use: Use,
    cap: int,
    never: dict[int, frozenset[str]],
    stretch: int,
) -> tuple[list[int], Report, Counter[str]]:
    put(connection, index, questions)
    ruled_out = [(place, index.place[name]) for place, names in never.items() for name in names]
    put_pairs(connection, "never", "asked", "held", ruled_out)
    report = Report()
    answers = list(
        trace(
            connection,
            matcher,
            asked="asked",
            asked_keys="asked_keys",
            held="held",
            held_keys="held_keys",
            never="never",
            use=use,
            cap=cap,
            stretch=stretch,
            report=report,
        )
    )
    assert [answer.asked for answer in answers] == list(range(len(questions)))
    found = [index.trace(matcher, one, use, never.get(n, frozenset()), cap) for n, one in enumerate(questions)]
    pairs = zip(found, answers, strict=True)
    wrong = [n for n, (one, other) in enumerate(pairs) if as_finding(index, one) != as_answer(other)]
    return wrong, report, Counter(one.outcome for one in found)


@pytest.fixture(scope="module")
def calibrated(model: Model) -> Model:
    """The shipped model with a calibration that bends."""
    knots = tuple(Knot(odds=odds, calibrated=height) for odds, height in ((-5.0, -6.1), (3.0, 2.2), (9.0, 9.5)))
    return model.model_copy(update={"calibration": knots})


@pytest.mark.parametrize(("use", "cap"), [(Use.PROPOSE, 2000), (Use.DIRECT_CARE, 2000), (Use.ANALYTICS, 3)])
def test_a_file_is_answered_as_each_of_its_people_would_be(
    connection: duckdb.DuckDBPyConnection,
    town_of: Callable[[int, int], Town],
    calibrated: Model,
    use: Use,
    cap: int,
) -> None:
    town = town_of(350, 7)
    index = mixed(town, 3)
    questions = [normalise(question.said) for question in town.questions]
    questions += [normalise(Demographics()), normalise(Demographics(family="Nobody", birth_date="1961"))]
    matcher = Matcher(calibrated, Frequencies.of(one.person for one in index.rows), len(index.rows))
    never = rule_out(index, questions, 5)
    wrong, report, outcomes = disagreements(connection, matcher, index, questions, use, cap, never, stretch=300)
    assert wrong == []
    assert report.asked == len(questions)
    assert report.pairs > report.asked
    assert set(outcomes) >= {Outcome.MATCHED, Outcome.REVIEW, Outcome.NONE, Outcome.INVALID_INPUT}
    assert bool(report.capped) is (cap == 3)
    for capped in report.capped:
        assert capped.candidates > cap
        assert capped.hash in {key for _, key in named_keys(questions[capped.asked])}


@pytest.mark.peers
def test_twenty_thousand_questions_have_no_disagreement(
    connection: duckdb.DuckDBPyConnection, town_of: Callable[[int, int], Town], calibrated: Model
) -> None:
    town = town_of(7_500, 11)
    index = mixed(town, 13)
    questions = [normalise(question.said) for question in town.questions][:20_000]
    assert len(questions) == 20_000
    matcher = Matcher(calibrated, Frequencies.of(one.person for one in index.rows), len(index.rows))
    wrong, _, _ = disagreements(connection, matcher, index, questions, Use.PROPOSE, 2000, {}, stretch=100_000)
    assert wrong == []


def test_what_was_compared_is_left_behind_when_it_is_asked_for(
    connection: duckdb.DuckDBPyConnection, town_of: Callable[[int, int], Town], model: Model
) -> None:
    town = town_of(40, 7)
    index = Index(list(town.rows.values()))
    questions = [normalise(question.said) for question in town.questions]
    matcher = Matcher(model, Frequencies.of(one.person for one in index.rows), len(index.rows))
    put(connection, index, questions)
    answers = list(
        trace(
            connection,
            matcher,
            asked="asked",
            asked_keys="asked_keys",
            held="held",
            held_keys="held_keys",
            keep=True,
        )
    )
    kept = connection.execute(f"SELECT asked, held, bits FROM {SCORED} ORDER BY asked, bits DESC, held").fetchall()
    weighed = {asked for asked, _, _ in kept}
    assert {answer.asked for answer in answers if answer.held is not None} <= weighed
    scorer = matcher.scorer
    for asked, held, bits in kept:
        assert bits == scorer.score(questions[asked], index.rows[held].person)[0]


def test_an_empty_file_has_no_answers_and_a_model_may_count_no_names(
    connection: duckdb.DuckDBPyConnection, model: Model
) -> None:
    plain = {
        field: {level: weight.model_copy(update={"frequency": False}) for level, weight in levels.items()}
        for field, levels in model.comparisons.items()
    }
    matcher = Matcher(model.model_copy(update={"comparisons": plain}), Frequencies({}, 0), 10)
    put(connection, Index([]), [])

    def ask() -> list[Answer]:
        return list(
            trace(connection, matcher, asked="asked", asked_keys="asked_keys", held="held", held_keys="held_keys")
        )

    assert ask() == []
    connection.execute("DROP TABLE asked; DROP TABLE asked_keys; DROP TABLE held; DROP TABLE held_keys").fetchall()
    asha = normalise(Demographics(family="Mistry", given="Asha", birth_date="1961-03-04", postcode="LE2 1AA"))
    index = Index([Candidate("1", replace(asha, nhs_number=NhsNumber("9990000018")))])
    put(connection, index, [asha])
    (answer,) = ask()
    assert answer.bits == matcher.scorer.score(asha, index.rows[0].person)[0]
