"""All candidates of a question in order: superseded rows standing for their survivors, invalid ones aside."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

from linkage.calibration import calibrated_odds
from linkage.person import Security

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkage.explain import Evidence
    from linkage.findings import Candidate
    from linkage.nhs_number import NhsNumber
    from linkage.person import Person
    from linkage.score import Scorer


@dataclass(frozen=True, slots=True)
class Standing:
    """A living row of the index, weighed. ``superseded`` says that an earlier row of it weighed most.

    ``orphan``: it is itself superseded and its survivor was not among the candidates, so it cannot win.
    """

    candidate: Candidate
    bits: float
    levels: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    superseded: bool = False
    orphan: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Who may be the person, best first, and the heaviest invalidated row, which may only be flagged."""

    standings: tuple[Standing, ...]
    invalid_bits: float | None


def rank(scorer: Scorer, asked: Person, candidates: Iterable[Candidate], never: frozenset[str]) -> Ranking:
    """Weigh every candidate that no fact rules out.

    A superseded row lends its weight to its survivor and is ruled out with it; a restricted survivor
    hides the locations of its earlier rows too. Of rows that weigh the same for one survivor its own counts, then the
    first by number, so that the order of candidates changes nothing.
    """
    rows = list({row.person_id: row for row in candidates}.values())
    replaced = any(row.superseded_by is not None for row in rows)
    if replaced:
        rows.sort(key=lambda row: (row.superseded_by is not None, _order(row)))
    by_number = {row.person.nhs_number: row for row in rows if row.person.nhs_number is not None} if replaced else {}
    best: dict[str, Standing] = {}
    invalid_bits: float | None = None
    for row in rows:
        survivor = row if row.superseded_by is None else _survivor(row, by_number)
        if row.person_id in never or survivor.person_id in never:
            continue
        hide = row.security.hides_location or survivor.security.hides_location
        bits, levels, evidence = scorer.score(asked, row.person, hide_location=hide)
        if survivor.security is Security.INVALIDATED and survivor.superseded_by is None:
            invalid_bits = bits if invalid_bits is None else max(invalid_bits, bits)
            continue
        known = best.get(survivor.person_id)
        if known is None or bits > known.bits:
            orphan = survivor.superseded_by is not None
            standing = Standing(survivor, bits, levels, evidence, orphan or survivor is not row, orphan)
            best[survivor.person_id] = standing
    ordered = sorted(best.values(), key=lambda standing: (-standing.bits, _order(standing.candidate)))
    return Ranking(tuple(ordered), invalid_bits)


def _order(row: Candidate) -> tuple[str, str]:
    """In which order equals are told: that of their numbers, as an index is kept."""
    return row.person.nhs_number.digits if row.person.nhs_number else "", row.person_id


def odds(scorer: Scorer, bits: float) -> float:
    """Log2 odds of a candidate of this weight against the person being absent from the index."""
    return bits - scorer.prior_bits


def certainty(scorer: Scorer, bits: Sequence[float], place: int = 0) -> float:
    """Calibrated log2 odds of one candidate against all others and "not in this index" together.

    ``bits`` are those of every candidate, best first.
    """
    prior = scorer.prior_bits
    shares = [2.0 ** (one - prior) for one in bits]
    rest = 1.0 + sum(shares[:place]) + sum(shares[place + 1 :])
    return calibrated_odds(scorer.model.calibration, bits[place] - prior - log2(rest))


def _survivor(row: Candidate, by_number: Mapping[NhsNumber, Candidate]) -> Candidate:
    """The last row of a chain of supersessions, as far as the candidates know it; a ring ends at once."""
    seen = {row.person_id}
    while row.superseded_by is not None:
        after = by_number.get(row.superseded_by)
        if after is None or after.person_id in seen:
            break
        seen.add(after.person_id)
        row = after
    return row
