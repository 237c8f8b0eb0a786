"""The coverage floors fail where they should, and say where."""

from __future__ import annotations

from tests.house.coverage_floor import Reached, by_package, spans


def file_report(lines: int, covered: int, branches: int, taken: int) -> dict[str, object]:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": covered,
            "num_branches": branches,
            "covered_branches": taken,
        },
        "missing_lines": [] if covered == lines else [7],
        "missing_branches": [] if taken == branches else [[3, -1]],
    }


def test_a_branch_never_taken_counts_against_its_package_and_is_named() -> None:
    packages = by_package({"files": {"ig/decide.py": file_report(9, 9, 2, 1), "tests/x.py": file_report(1, 0, 0, 0)}})
    assert set(packages) == {"ig"}
    assert packages["ig"].percent < 100
    assert packages["ig"].missed == ["  ig/decide.py: 3→exit"]


def test_files_of_a_package_are_added_up() -> None:
    packages = by_package(
        {"files": {"linkage/a.py": file_report(10, 10, 0, 0), "linkage/b.py": file_report(10, 5, 0, 0)}}
    )
    assert packages["linkage"].percent == 75


def test_a_package_nobody_measured_is_not_a_pass() -> None:
    """``main`` calls it low: nothing measured would otherwise look like everything reached."""
    assert Reached().percent == 100
    assert not Reached().total


def test_neighbouring_lines_are_written_as_one() -> None:
    assert spans([3, 4, 5, 9, 11, 12]) == ["3-5", "9", "11-12"]
