"""The published algorithm, held to the handbook's own examples (design note on tracing, section 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linkage.mps import Code, Indicator, Result, Row, likeness, prepare, score, trace
from linkage.nhs_number import NhsNumber
from linkage.person import Demographics

SMITH = Demographics(
    family="Smith", given="Jon", birth_date="1970-05-16", gender="male", postcode="LS1 4AP", nhs_number="9990000018"
)
NEW = "9990000026"


def row(name: str, said: Demographics, superseded_by: str = "") -> Row:
    return Row(name, prepare(said), NhsNumber(superseded_by) if superseded_by else None)


def ask(*rows: Row, **changes: object) -> Result:
    said = replace(SMITH, nhs_number="", **changes)  # type: ignore[arg-type]  # changes to the one example
    return trace(prepare(said), rows)


@pytest.mark.parametrize(
    ("one", "other", "handbook"),
    [
        ("Jon", "James", 51),
        ("Smith-Jones", "Smith", 89),
        ("Zöe", "Zoe", 80),
        ("Ó Briain", "O Briain", 92),
        ("Ó Briain", "Briain", 92),
        ("John", "Jon", 93),
        ("Adams", "Dan", 51),
        ("Smith", "", 0),
    ],
)
def test_names_are_as_like_as_the_handbook_says(one: str, other: str, handbook: int) -> None:
    assert likeness(one, other) == pytest.approx(handbook, abs=1.3)


@pytest.mark.parametrize(
    ("asked", "held", "handbook"),
    [
        (("Smith-Jones", "Jon", ""), ("Smith", "James", ""), 88),
        (("Ó Briain", "Zöe", ""), ("O Briain", "Zöe", ""), 98),
        (("Ó Briain", "Zöe", ""), ("Briain", "Zoe", ""), 94),
        (("Smith", "John", "Adams"), ("Smith", "Jon", ""), 82),
        (("Smith", "John", "Adams"), ("Smith", "Jon", "Adams"), 99),
        (("Smith", "John", "Adams"), ("Smith", "John", "Dan"), 91),
    ],
)
def test_whole_rows_score_as_the_handbook_says(
    asked: tuple[str, str, str], held: tuple[str, str, str], handbook: int
) -> None:
    one, other = (
        prepare(replace(SMITH, family=family, given=given, other_given=tuple(others.split())))
        for family, given, others in (asked, held)
    )
    assert score(one, other).total == pytest.approx(handbook, abs=1.1)


def test_two_close_candidates_are_no_match() -> None:
    zoe = replace(SMITH, gender="female", given="Zöe")
    rows = [row("a", replace(zoe, family="O Briain")), row("b", replace(zoe, family="Briain", given="Zoe"))]
    result = ask(*rows, family="Ó Briain", given="Zöe", gender="female", gp_practice="C82001")
    assert (result.row, result.indicator, result.confidence, result.code) == (
        None,
        Indicator.ALGORITHMIC,
        0,
        Code.SEVERAL_CLOSE,
    )


def test_the_best_of_three_wins_when_it_leads_by_five() -> None:
    rows = [
        row("a", SMITH),
        row("b", replace(SMITH, other_given=("Adams",))),
        row("c", replace(SMITH, given="John", other_given=("Dan",))),
    ]
    result = ask(*rows, given="John", other_given=("Adams",), gp_practice="C82001")
    assert result.row is rows[1]
    assert (result.indicator, result.code) == (Indicator.ALGORITHMIC, Code.SUCCESS)
    assert result.confidence == 99
    assert result.scores is not None
    assert (result.scores.given, result.scores.family) == (100, 100)


@pytest.mark.parametrize(
    ("asked", "held", "points"),
    [
        ("1970-05-16", "1970-05-16", 100),
        ("1970-05-16", "1971-05-16", 66),
        ("1970-05-06", "1970-06-05", 66),
        ("1970-05-16", "1970-06-17", 33),
        ("1970-05-16", "1981-06-16", 0),
        ("1970-05-16", "", 0),
    ],
)
def test_dates_score_by_their_parts(asked: str, held: str, points: float) -> None:
    one, other = (prepare(replace(SMITH, birth_date=born)) for born in (asked, held))
    assert score(one, other).birth_date == points


@pytest.mark.parametrize(
    ("asked", "held", "before", "points"),
    [
        ("LS1 4AP", "LS1 4AP", (), 100),
        ("LS1", "LS1 4AP", (), 43),
        ("LS1 4AP", "LE2 1AA", ("CV1 1AA", "LS1 4AP"), 100),
        ("LS1 4AP", "LE2 1AA", (), 0),
        ("LS1 4AP", "", (), 0),
    ],
)
def test_postcodes_score_by_prefix_and_the_earlier_ones_last(
    asked: str, held: str, before: tuple[str, ...], points: float
) -> None:
    one, other = (
        prepare(replace(SMITH, postcode=asked)),
        prepare(replace(SMITH, postcode=held, previous_postcode=before)),
    )
    assert score(one, other).postcode == pytest.approx(points, abs=0.2)


@pytest.mark.parametrize(("held", "points"), [("male", 100), ("female", 0), ("unknown", 50)])
def test_genders_score_half_when_unknown(held: str, points: float) -> None:
    assert score(prepare(SMITH), prepare(replace(SMITH, gender=held))).gender == points


def test_a_question_without_names_is_scored_on_the_rest() -> None:
    scores = score(prepare(replace(SMITH, family="", given="")), prepare(SMITH))
    assert (scores.total, scores.family, scores.given) == (100, 0, 0)


@pytest.mark.parametrize(
    ("changes", "checked"),
    [
        ({}, True),
        ({"family": "Patel", "given": "Asha"}, True),
        ({"birth_date": "1970-05-17"}, True),
        ({"birth_date": "1970-16-05"}, False),
        ({"birth_date": "1970-05-61"}, False),
        ({"birth_date": "1907-05-16"}, True),
        ({"birth_date": "1970-05-17", "family": "Patel"}, False),
        ({"birth_date": "1970-05-17", "given": ""}, True),
        ({"birth_date": "1970-05-17", "given": "", "postcode": "LE2 1AA"}, False),
        ({"birth_date": "1970-05-17", "given": "", "postcode": ""}, False),
        ({"birth_date": "1999-11-30"}, False),
        ({"birth_date": ""}, False),
    ],
)
def test_the_cross_check_takes_a_number_with_a_date_or_most_of_one(changes: dict[str, object], checked: bool) -> None:  # noqa: FBT001 - a column of the table
    asked = prepare(replace(SMITH, **changes))  # type: ignore[arg-type]  # changes to the one example
    result = trace(asked, [row("a", SMITH)])
    assert (result.indicator is Indicator.CROSS_CHECK) == checked


@pytest.mark.parametrize(("asked", "held"), [("1970-05-12", "1970-05-21"), ("1970-05-06", "1970-06-05")])
def test_exchanged_digits_of_the_day_and_exchanged_day_and_month_are_most_of_a_date(asked: str, held: str) -> None:
    result = trace(prepare(replace(SMITH, birth_date=asked)), [row("a", replace(SMITH, birth_date=held))])
    assert (result.indicator, result.confidence) == (Indicator.CROSS_CHECK, 100)


def test_a_superseded_number_resolves_to_the_one_in_force() -> None:
    old, new = row("a", SMITH, NEW), row("b", replace(SMITH, nhs_number=NEW))
    result = trace(prepare(SMITH), [old, new])
    assert (result.row, result.code) == (new, Code.SUPERSEDED)
    alone = trace(prepare(SMITH), [old])
    assert alone.row is old
    ring = trace(prepare(SMITH), [old, row("b", replace(SMITH, nhs_number=NEW), "9990000018")])
    assert ring.row is not None


def test_the_only_one_who_sounds_alike_is_an_alphanumeric_match() -> None:
    result = ask(row("a", replace(SMITH, family="Smyth")), row("b", replace(SMITH, birth_date="1980-01-02")))
    assert result.row is not None
    assert (result.row.person_id, result.indicator, result.confidence) == ("a", Indicator.ALPHANUMERIC, 100)


@pytest.mark.parametrize(
    "changes",
    [
        {"family": ""},
        {"birth_date": ""},
        {"gender": "unknown"},
        {"death_date": "2020-05"},
        {"death_date": "2020-05-06"},
    ],
)
def test_the_alphanumeric_step_wants_its_fields(changes: dict[str, object]) -> None:
    assert ask(row("a", SMITH), **changes).indicator is not Indicator.ALPHANUMERIC


@pytest.mark.parametrize(
    "changes", [{"birth_date": "1970"}, {"postcode": ""}, {"gender": "unknown"}, {"birth_date": ""}]
)
def test_the_algorithmic_step_says_when_it_has_not_enough(changes: dict[str, object]) -> None:
    result = ask(row("a", replace(SMITH, family="Cook")), **changes)
    assert (result.row, result.indicator, result.code) == (None, Indicator.NONE, Code.NOT_ENOUGH)


def test_nobody_in_any_block_is_not_found() -> None:
    result = ask(row("a", replace(SMITH, birth_date="1980-01-02", postcode="")), row("b", Demographics()))
    assert (result.row, result.code) == (None, Code.NOT_FOUND)
