"""The published algorithm, held to the handbook's own examples (design note on tracing, section 4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linkage.mps import Code, Indicator, Result, Row, Step, likeness, prepare, score, trace
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
        ("O'Brien", "O'Brian", 94),
        ("Smith", "", 0),
    ],
)
def test_names_are_as_like_as_the_handbook_says(one: str, other: str, handbook: int) -> None:
    assert round(likeness(one, other)) == handbook
    assert round(likeness(one.upper(), other.upper())) == handbook


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


@pytest.mark.parametrize(
    ("asked", "held", "points"),
    [
        ("male", "male", 100),
        ("male", "female", 0),
        ("male", "unknown", 50),
        ("male", "other", 50),
        ("unknown", "female", 50),
        ("unknown", "unknown", 100),
        ("other", "unknown", 50),
        ("male", "", 50),
    ],
)
def test_genders_score_half_when_one_side_does_not_say(asked: str, held: str, points: float) -> None:
    assert score(prepare(replace(SMITH, gender=asked)), prepare(replace(SMITH, gender=held))).gender == points


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
        {"gender": ""},
        {"gender": "unknown"},
        {"address": ("1 High Street",)},
        {"postcode": "LE2 1AA"},
        {"gp_practice": "C82001"},
        {"given": "Peter"},
        {"death_date": "2020-05"},
        {"death_date": "2020-05-06"},
    ],
)
def test_the_alphanumeric_step_wants_its_fields(changes: dict[str, object]) -> None:
    assert ask(row("a", SMITH), **changes).indicator is not Indicator.ALPHANUMERIC


@pytest.mark.parametrize("changes", [{"birth_date": "1970"}, {"postcode": ""}, {"gender": ""}, {"birth_date": ""}])
def test_the_algorithmic_step_says_when_it_has_not_enough(changes: dict[str, object]) -> None:
    result = ask(row("a", replace(SMITH, family="Cook")), **changes)
    assert (result.row, result.indicator, result.code) == (None, Indicator.NONE, Code.NOT_ENOUGH)
    assert result.step is Step.NOT_RUN


def test_nobody_in_any_block_is_not_found() -> None:
    result = ask(row("a", replace(SMITH, birth_date="1980-01-02", postcode="")), row("b", Demographics()))
    assert (result.row, result.code) == (None, Code.NOT_FOUND)
    assert result.step is Step.NOT_FOUND


def test_an_address_that_is_given_must_be_the_same() -> None:
    home = replace(SMITH, address=("1 High Street", "Leeds"))
    assert ask(row("a", home), address=("1, High St.", "Leeds")).indicator is Indicator.ALPHANUMERIC
    assert ask(row("a", home), address=("2 High Street",)).indicator is Indicator.ALGORITHMIC
    assert ask(row("a", home)).step is Step.ALPHANUMERIC


def test_a_partial_date_must_be_the_very_same_to_be_an_alphanumeric_match() -> None:
    year = replace(SMITH, birth_date="1970")
    assert ask(row("a", year), birth_date="1970").indicator is Indicator.ALPHANUMERIC
    assert ask(row("a", SMITH), birth_date="1970").row is None


def test_an_earlier_name_or_postcode_serves_every_step() -> None:
    held = replace(SMITH, family="Cook", previous_family=("Smith",), postcode="LE2 1AA", previous_postcode=("LS1 4AP",))
    found = trace(prepare(replace(SMITH, birth_date="1970-05-17")), [row("a", held)])
    assert found.step is Step.CROSS_CHECK
    by_score = ask(row("a", held))
    assert (by_score.step, by_score.confidence) == (Step.ALGORITHMIC, 100)


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({"family": "Smyth", "given": "John", "postcode": "LE2 1AA", "gender": "female"}, True),
        ({"family": "Smyth", "given": "Zed"}, True),
        ({"family": "Zed", "given": "John"}, True),
        ({"family": "Zed", "given": "Zed"}, True),
        ({"family": "Zed", "given": "John", "postcode": "LE2 1AA"}, False),
        ({"family": "Smyth", "given": "John", "birth_date": "1970-05-17"}, False),
        ({"family": "Zed", "given": "Zed", "gender": "female"}, False),
    ],
)
def test_a_candidate_shares_one_of_the_four_blocks(held: dict[str, str], found: bool) -> None:  # noqa: FBT001 - a column of the table
    other = row("a", replace(SMITH, **held))  # type: ignore[arg-type]  # changes to the one example
    result = ask(other, gp_practice="C82001", given="Johnny")
    assert (result.row is other) == found


def test_at_most_fifty_candidates_are_weighed_those_in_most_blocks_first() -> None:
    crowd = [row(f"a{n:02}", replace(SMITH, family="Zed", given="Zed")) for n in range(60)]
    one = row("z", replace(SMITH, gp_practice="Y1"))
    result = ask(*crowd, one, gp_practice="C82001")
    assert result.row is one


@pytest.mark.parametrize(("second", "code"), [("Smitt", Code.SEVERAL_CLOSE), ("Wren", Code.SUCCESS)])
def test_the_five_point_rule_is_about_the_means(second: str, code: Code) -> None:
    rows = [row("a", SMITH), row("b", replace(SMITH, family=second))]
    assert ask(*rows, gp_practice="C82001").code is code


def test_marks_are_taken_out_and_the_space_of_a_postcode_is_kept_as_an_underscore() -> None:
    said = replace(SMITH, family=" Sm!th-(Jones)  #2 ", given="O'Neill/Jon", postcode="ls14ap")
    held = prepare(said)
    assert (held.family, held.given, held.postcode) == ("SMTH-JONES 2", "O'NEILLJON", "LS1_4AP")
