"""Everything permitted, cell by cell, and what a change does to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ig.matrix import differences, matrix, reach
from ig.purpose import Level, OrgClass, Purpose, Role, Section
from ig.terms import Status

if TYPE_CHECKING:
    from datetime import datetime
    from types import SimpleNamespace

    from ig.register import Register


def test_the_demonstrations_matrix_holds_its_invariants(demo: Register, now: datetime) -> None:
    """What CI asserts of every change of the agreements (``design/ig.md`` 2.4)."""
    cells = reach(demo, now)
    assert cells
    for cell in cells:
        q = cell.question
        assert q.role is not Role.SYSTEM_ADMIN
        assert cell.field != Section.SENSITIVE or q.purpose is Purpose.PROCESSING
        if q.purpose is Purpose.RISKSTRAT_CASEFIND:
            assert q.org_class is OrgClass.GP_PRACTICE
        if q.role is Role.ANALYST:
            assert q.level is not Level.PATIENT
        if q.purpose is Purpose.DIRECT_CARE and cell.field == Section.CONSULTATIONS:
            assert q.role is Role.GP
            assert cells[cell].grant == "C-GP-OWN"


def test_the_matrix_reads_as_sentences(small: SimpleNamespace) -> None:
    lines = [str(line) for line in matrix(small.world(), small.now)]
    assert lines == sorted(lines) or len(lines) > 1
    assert any(
        line.startswith("social-worker of 999, direct-care, gp, patient level, known subject: problems, registration;")
        and "data of Z99001, Z99002" in line
        for line in lines
    )
    assert any(line.startswith("system-link, processing, index") for line in lines)


def test_no_change_is_no_difference(small: SimpleNamespace) -> None:
    assert differences(small.world(), small.world(), small.now) == []


def test_a_suspension_is_all_narrower(small: SimpleNamespace) -> None:
    before = small.world()
    after = before.with_status("ISA-C", 1, Status.SUSPENDED)
    changes = differences(before, after, small.now)
    assert changes
    assert not any(change.wider for change in changes)
    assert any("no longer permitted" in str(change) and str(change).startswith("narrower:") for change in changes)


def test_a_new_field_is_shown_as_wider_first(small: SimpleNamespace) -> None:
    """A widening marked as narrowing by its author is still a widening (T38)."""
    document = small.raw("care", title="Only tidying")
    document["grants"][0]["fields"] = ["problems", "consultations"]
    changes = differences(small.world(), small.world(care=document), small.now)
    assert changes[0].wider
    assert (changes[0].fields, changes[0].what) == (("consultations",), "newly permitted")
    assert (changes[-1].fields, changes[-1].what) == (("registration",), "no longer permitted")


def test_providers_and_conditions_are_compared_too(small: SimpleNamespace) -> None:
    document = small.raw("secondary")
    del document["signatures"][2], document["unnumbered_people"]
    document["grants"][0]["volume"] = {"max_rows_per_request": 50}
    there = {
        (change.wider, change.what) for change in differences(small.world(), small.world(secondary=document), small.now)
    }
    assert (False, "data no longer of Z99002") in there
    assert any(not wider and what.startswith("condition added: max-rows:50") for wider, what in there)
    assert any(wider and "condition lifted:" in what and "with-nhs-number" in what for wider, what in there)
    back = differences(small.world(secondary=document), small.world(), small.now)
    assert any(change.wider and change.what == "data also of Z99002" for change in back)
