"""A row that asks about somebody, in the index's columns, says what is written and nothing else."""

from __future__ import annotations

from adapters.spine import COLUMNS, asked_of
from linkage.person import Demographics


def test_every_column_that_tells_of_a_person_is_taken_as_written() -> None:
    cells = {name: name for name in COLUMNS} | {"other_given": " Ann | Jo||", "phone": "1|2"}
    assert asked_of(cells) == Demographics(
        nhs_number="nhs_number",
        family="family",
        given="given",
        other_given=("Ann", "Jo"),
        previous_family=("previous_family",),
        birth_date="birth_date",
        gender="gender",
        postcode="postcode",
        previous_postcode=("previous_postcode",),
        address=tuple(f"address_line{line}" for line in range(1, 6)),
        phone=("1", "2"),
        email=("email",),
        gp_practice="gp_practice",
        death_date="death_date",
    )


def test_a_column_that_is_not_there_says_nothing() -> None:
    assert asked_of({"family": "Patelova"}) == Demographics(family="Patelova")
    assert asked_of({}) == Demographics()
