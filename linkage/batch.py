"""A whole file of questions at once: the answers of `linkage.decide`, with DuckDB to meet and to compare.

SQL finds who shares a key and gives every pair its level vector. What depends on the vector alone (bits, interactions,
vetoes, groups, the cross-check) is judged by `Matcher`, once for each of the few vectors that occur, and so is every
contest of candidates: there is no second rule here. Questions are taken in stretches, so that memory does not grow with
their number, and answers come as they are found.

A table of people has the columns of `linkage.compilers.people`; a table of keys has ``hash BIGINT, person INTEGER``,
``person`` being the ``id`` of people. Each may be a view over Parquet. Held people stand in the order of their numbers,
which breaks ties; a number is held once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from linkage.calibration import probability
from linkage.closeness import too_close
from linkage.compilers.duckdb import identifier
from linkage.compilers.meeting import Capped, Meeting, Tables, pair_number, special_of
from linkage.compilers.vectors import Vectors
from linkage.decide import is_enough
from linkage.findings import Flag, Outcome, Step
from linkage.model import Use
from linkage.ranking import certainty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from linkage.compilers.meeting import Pairs, Special
    from linkage.decide import Matcher

__all__ = ["STRETCH", "Answer", "Capped", "Known", "Report", "known_of", "trace"]

STRETCH: Final = 100_000
"""So many questions are compared at once: enough to pay for reading the index, and no more memory than that takes."""


class Answer(NamedTuple):
    """What `Engine.trace` finds for one question, by row numbers: ``held`` is the best candidate's row.

    As in `Finding`, nobody is named where the outcome is none. ``odds`` are the calibrated log2 odds behind
    ``posterior``, ``levels`` the level vector of the best, ``runner_up`` the next likeliest row. ``close`` counts those
    who cannot be told apart where somebody is near and nobody is found (`linkage.closeness`).
    """

    asked: int
    outcome: Outcome
    step: Step | None
    reason: str
    held: int | None = None
    bits: float | None = None
    posterior: float | None = None
    odds: float | None = None
    gap: float | None = None
    flags: frozenset[Flag] = frozenset()
    runner_up: int | None = None
    levels: tuple[str, ...] | None = None
    close: int = 0


@dataclass(slots=True)
class Report:
    """What a run came to: questions answered, pairs compared, and the questions whose candidates were cut short."""

    asked: int = 0
    pairs: int = 0
    capped: list[Capped] = field(default_factory=list)


def trace(  # noqa: PLR0913 - a model for one index, four tables, and how far to go
    connection: DuckDBPyConnection,
    matcher: Matcher,
    *,
    asked: str,
    asked_keys: str,
    held: str,
    held_keys: str,
    use: Use = Use.PROPOSE,
    cap: int = 2000,
    never: str = "",
    keep: bool = False,
    stretch: int = STRETCH,
    report: Report | None = None,
    known: Known | None = None,
) -> Iterator[Answer]:
    """Answer every person of the table ``asked``, in the order of their ids.

    ``never``: a table of ``asked, held`` row numbers that somebody has ruled out. A question with more than ``cap``
    candidates keeps those that share most keys, the lower number first, as the store of the index does; ``report``
    says which. ``keep`` leaves the table `meeting.SCORED` behind, with the candidates of every question. ``known`` is
    what `known_of` gives for these held people and this matcher: whoever calls again and again has it looked up once.

    Raises:
        ValueError: a table's name is not a plain identifier.
    """
    names = [identifier(name) for name in (asked, asked_keys, held, held_keys)]
    tables = Tables(names[0], names[1], names[2], names[3], identifier(never) if never else "")
    known = known or known_of(connection, matcher, held)
    meeting = Meeting(connection, tables, matcher.scorer, cap, known.special)
    run = _Run(meeting, matcher, use, report or Report(), keep, known.vectors)
    for first in range(0, meeting.last + 1, stretch):
        yield from run.stretch(first, first + stretch)


class Known(NamedTuple):
    """What holds for every question put to the same people held by the same matcher."""

    special: Special
    vectors: Vectors


def known_of(connection: DuckDBPyConnection, matcher: Matcher, held: str) -> Known:
    """Look up what is special about the people held, and begin to remember level vectors.

    Raises:
        ValueError: the table's name is not a plain identifier.
    """
    return Known(special_of(connection, identifier(held)), Vectors(matcher))


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `trace`."""

    meeting: Meeting
    matcher: Matcher
    use: Use
    report: Report
    keep: bool
    vectors: Vectors

    def stretch(self, first: int, end: int) -> Iterator[Answer]:
        """Answer the questions of these ids."""
        questions = self.meeting.take(first, end)
        answers = {answer.asked: answer for answer in self._cross_checked()}
        wanted = [one.id for one in questions if (self.keep or one.id not in answers) and is_enough(**one.said())]
        answers = {answer.asked: answer for answer in self._weighed(wanted)} | answers
        for one in questions:
            self.report.asked += 1
            yield answers.get(one.id) or Answer(one.id, Outcome.INVALID_INPUT, None, "too-little")

    def _cross_checked(self) -> Iterator[Answer]:
        """The questions that their number settles."""
        special = self.meeting.special
        pairs = self.meeting.by_number()
        self.report.pairs += len(pairs.asked)
        bits, _ = self.vectors.weigh(pairs)
        replaced = set(pairs.asked[np.isin(pairs.held, list(special.chain))].tolist())
        settled: set[int] = set()
        rows = zip(pairs.asked.tolist(), pairs.held.tolist(), pairs.code.tolist(), bits.tolist(), strict=True)
        # the row of the number comes before the row that took its place
        for asked, row, code, weight in sorted(rows, key=lambda one: (one[0], one[1] not in special.chain)):
            levels, _, reason = self.vectors.judge(code)
            if reason and asked not in settled:
                settled.add(asked)
                living, sure = special.survivor(row), certainty(self.matcher.scorer, [weight])
                yield Answer(
                    asked,
                    Outcome.MATCHED,
                    Step.CROSS_CHECK,
                    reason,
                    living,
                    weight,
                    probability(sure),
                    sure,
                    flags=special.flags(living, superseded=asked in replaced),
                    levels=levels,
                )

    def _weighed(self, questions: Sequence[int]) -> Iterator[Answer]:
        """The questions that all their candidates settle."""
        compared, capped = self.meeting.by_key(questions)
        self.report.capped.extend(capped)
        pairs = self._allowed(compared)
        bits, exact = self.vectors.weigh(pairs)
        if self.keep:
            self.meeting.keep(pairs, bits)
        standings = _Standings(pairs, bits, exact, self.meeting.special)
        for asked in questions:
            yield self._decided(asked, standings)

    def _allowed(self, pairs: Pairs) -> Pairs:
        """The pairs that nobody has ruled out, be it the row or the one that took its place."""
        self.report.pairs += len(pairs.asked)
        if not self.meeting.ruled_out:
            return pairs
        asked, held = np.array(sorted(self.meeting.ruled_out), np.int64).T
        ruled_out = pair_number(asked, held)
        out = np.isin(pair_number(pairs.asked, pairs.held), ruled_out)
        out |= np.isin(pair_number(pairs.asked, self.meeting.special.survivors(pairs.held)), ruled_out)
        return pairs.where(~out)

    def _decided(self, asked: int, standings: _Standings) -> Answer:
        """What the one decision rule says of the standings of a question."""
        invalid = standings.invalid.get(asked)
        if asked not in standings.places:
            return self._absent(asked, "no-candidates", invalid)
        first, end = standings.places[asked]
        bits, row = standings.bits[first:end], standings.row[first]
        levels, pattern, _ = self.vectors.judge(standings.code[first])
        contest = self.matcher.contest(
            bits,
            pattern,
            sole=not any(standings.exact[first + 1 : end]),
            orphan=row in self.meeting.special.superseded,
        )
        outcome, step, reason = self.matcher.judge(contest, self.use)
        if outcome is Outcome.NONE:
            return self._absent(asked, reason, invalid)
        flags: frozenset[Flag] = frozenset()
        if outcome is Outcome.MATCHED:
            flags = self.meeting.special.flags(row, superseded=standings.superseded[first])
        close = 0
        if outcome is not Outcome.MATCHED:
            close = too_close(self.matcher.scorer, bits, self.matcher.model.thresholds[self.use])
        return Answer(
            asked,
            outcome,
            step,
            reason,
            row,
            bits[0],
            probability(contest.certain),
            contest.certain,
            contest.gap,
            flags,
            standings.row[first + 1] if end - first > 1 else None,
            levels,
            close,
        )

    def _absent(self, asked: int, reason: str, invalid: float | None) -> Answer:
        if self.matcher.known_invalid(invalid, self.use):
            return Answer(asked, Outcome.NONE, None, "invalidated", flags=frozenset({Flag.INVALIDATED}))
        return Answer(asked, Outcome.NONE, None, reason)


class _Standings:
    """The living rows that may be the people asked about, sorted by question, best first; as `linkage.ranking` does.

    ``places`` says from where to where each question's are; ``invalid`` holds the weight of its heaviest invalid row.
    """

    def __init__(self, pairs: Pairs, bits: NDArray[np.float64], exact: NDArray[np.bool_], special: Special) -> None:
        row = special.survivors(pairs.held)
        gone = np.isin(row, special.gone)
        self.invalid = _heaviest(pairs.asked[gone].tolist(), bits[gone].tolist())
        order = np.flatnonzero(~gone)
        superseded = np.isin(pairs.held, list(special.superseded))
        if superseded.any():
            order = _one_each(order, pairs, row, bits, superseded)
        order = order[np.lexsort((row[order], -bits[order], pairs.asked[order]))]
        self.row: list[int] = row[order].tolist()
        self.superseded: list[bool] = superseded[order].tolist()
        self.code: list[int] = pairs.code[order].tolist()
        self.bits: list[float] = bits[order].tolist()
        self.exact: list[bool] = exact[order].tolist()
        asked = pairs.asked[order]
        first = np.flatnonzero(np.diff(asked, prepend=-1))
        ends = [*first[1:].tolist(), len(order)]
        self.places = dict(zip(asked[first].tolist(), zip(first.tolist(), ends, strict=False), strict=True))


def _one_each(
    order: NDArray[np.int64],
    pairs: Pairs,
    row: NDArray[np.int64],
    bits: NDArray[np.float64],
    superseded: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Of the rows of one survivor the heaviest; of equals the survivor's own, then the first."""
    several = np.isin(row[order], row[superseded])
    alone, order = order[~several], order[several]
    keys = (pairs.held[order], superseded[order], -bits[order], row[order], pairs.asked[order])
    order = order[np.lexsort(keys)]
    _, first = np.unique(pair_number(pairs.asked[order], row[order]), return_index=True)
    return np.concatenate((alone, order[first]))


def _heaviest(asked: Sequence[int], bits: Sequence[float]) -> dict[int, float]:
    found: dict[int, float] = {}
    for one, weight in zip(asked, bits, strict=True):
        found[one] = max(weight, found.get(one, weight))
    return found
