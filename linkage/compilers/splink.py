"""The model as Splink 5 settings, for what outgrows one machine: a plain dictionary, ready for JSON.

Splink itself is never imported. Every rung of a ladder becomes a level whose log2(m/u) is that rung's bits in an index
of this size; every interaction becomes a comparison of two levels with the rungs written out, since Splink can correct
for dependence in no other way. What Splink calls the match weight is then the weight of `linkage.score` less its prior:
the log2 odds against the person being absent. Vetoes, runner-up gap, calibration and thresholds judge all candidates of
a question together and stay with `linkage.decide`.

Both tables hold the columns of `linkage.compilers.people` with ``unique_id`` for ``id``, and ``keys``, the list of a
person's hashed keys, where Splink is to find the pairs itself. `term_frequencies` must be registered before a
prediction: Splink would otherwise count its own, neither smoothed nor floored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from linkage.compilers.ladders import ladders
from linkage.score import Scorer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from linkage.compilers.dialects import SplinkDuckDb
    from linkage.compilers.ladders import Ladder
    from linkage.frequencies import Frequencies
    from linkage.model import Condition, Interaction, Model

COUNTED_COLUMNS: Final = {"family": "family_compact", "given": "given"}
"""Field → the column whose values are counted: on the levels that frequencies move, both sides hold one value."""

INTERACTION: Final = "interaction_"
"""How the comparison of an interaction is named, before the interaction's own name."""

_HALF: Final = 0.5


def settings(model: Model, frequencies: Frequencies, index_size: int, dialect: SplinkDuckDb) -> dict[str, Any]:
    """The model for one index as Splink 5 settings, in the SQL of a dialect."""
    scorer = Scorer(model, frequencies, index_size)
    climbed = ladders(dialect)
    return {
        "link_type": "link_only",
        "sql_dialect": dialect.name,
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": 1 / (1 + 2**scorer.prior_bits),
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.keys = r.keys", "sql_dialect": dialect.name, "arrays_to_explode": ["keys"]}
        ],
        "retain_matching_columns": False,
        "comparisons": [
            *(_comparison(scorer, field, ladder) for field, ladder in climbed.items()),
            *(_interaction(rule, climbed) for rule in model.interactions),
        ],
    }


def term_frequencies(model: Model, frequencies: Frequencies, index_size: int) -> dict[str, pa.Table]:
    """Column → its values with their smoothed and floored share, for Splink's ``register_term_frequency_lookup``.

    A value that is not in the table weighs as one that nobody carries. Shares are all made smaller by one factor where
    a name's weight would otherwise need an m above 1.
    """
    scorer = Scorer(model, frequencies, index_size)
    return {COUNTED_COLUMNS[field]: _shares(scorer, field, counts) for field, counts in frequencies.as_counts().items()}


def _comparison(scorer: Scorer, field: str, ladder: Ladder) -> dict[str, Any]:
    bits = scorer.fixed_bits(field)
    rungs = (*ladder.rungs, (ladder.otherwise, "ELSE"))
    levels = [_level(scorer, field, level, condition, bits[level]) for level, condition in rungs]
    return {"output_column_name": field, "comparison_description": field, "comparison_levels": levels}


def _level(scorer: Scorer, field: str, level: str, condition: str, bits: float) -> dict[str, Any]:
    """One rung. What is missing and weighs nothing is Splink's null level, which no training touches either."""
    named = {"sql_condition": condition, "label_for_charts": level}
    if level == "missing" and not bits:
        return {**named, "is_null_level": True}
    if not scorer.model.comparisons[field][level].frequency:
        return {**named, **_odds(bits)}
    # The bits hold at the typical share. Splink moves them from u to the value's own share, and not at all where it
    # knows none: so u is the share of a name that nobody carries.
    return {
        **named,
        "m_probability": _typical(scorer, field) * 2**bits,
        "u_probability": _share(scorer, field, ""),
        "tf_adjustment_column": COUNTED_COLUMNS[field],
        "disable_tf_exact_match_detection": True,
    }


def _odds(bits: float) -> dict[str, float]:
    """An m and a u of which log2(m/u) is ``bits``: a half is the greater, since only their ratio counts here."""
    return {
        "m_probability": _HALF * 2 ** min(bits, 0.0),
        "u_probability": _HALF * 2 ** min(-bits, 0.0),
    }


def _shares(scorer: Scorer, field: str, names: Iterable[str]) -> pa.Table:
    column, values = COUNTED_COLUMNS[field], list(names)
    shares = pa.array([_share(scorer, field, name) for name in values], pa.float64())
    return pa.table({column: pa.array(values, pa.string()), f"tf_{column}": shares})


def _share(scorer: Scorer, field: str, name: str) -> float:
    """The smoothed and floored share of a name; of the empty one, that of a name which nobody carries."""
    return _typical(scorer, field) / 2 ** scorer.name_bits(field, name)


def _typical(scorer: Scorer, field: str) -> float:
    """The share at which bits hold, or so much of it that m stays a probability: only ratios of shares count."""
    bits = scorer.fixed_bits(field)
    return min(scorer.model.term_frequencies[field].typical, *(2 ** -bits[level] for level in scorer.by_name(field)))


def _interaction(rule: Interaction, climbed: Mapping[str, Ladder]) -> dict[str, Any]:
    applies = " OR ".join(_all_of(condition, climbed) for condition in rule.when)
    return {
        "output_column_name": f"{INTERACTION}{rule.name}".replace("-", "_"),
        "comparison_description": rule.name,
        "comparison_levels": [
            {"sql_condition": applies, "label_for_charts": "applies", **_odds(rule.bits)},
            {"sql_condition": "ELSE", "label_for_charts": "does not apply", **_odds(0.0)},
        ],
    }


def _all_of(condition: Condition, climbed: Mapping[str, Ladder]) -> str:
    return "(" + " AND ".join(_stands(climbed[field], levels) for field, levels in condition.items()) + ")"


def _stands(ladder: Ladder, levels: Sequence[str]) -> str:
    """Whether a pair stands on one of these levels: the rungs down to the last of them, as yes and no."""
    rungs = ladder.rungs
    last = (
        len(rungs)
        if ladder.otherwise in levels
        else max(at for at, (level, _) in enumerate(rungs, 1) if level in levels)
    )
    whens = " ".join(f"WHEN {condition} THEN {level in levels}" for level, condition in rungs[:last])
    return f"CASE {whens} ELSE {ladder.otherwise in levels} END"
