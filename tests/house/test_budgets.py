"""Sizes that keep the house readable (DESIGN section 2). An exception stands in ``[tool.house]`` with its reason.

Docstrings on public names and types everywhere are ruff's and mypy's work, in the same ``make check``.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.house.conftest import Source

FILE_LINES, MEDIAN_FILE = 600, 150
FUNCTION_LINES, MEDIAN_FUNCTION = 70, 10


def show(faults: list[str]) -> None:
    if faults:
        pytest.fail(f"{len(faults)} over budget\n" + "\n".join(faults), pytrace=False)


def test_no_file_is_longer_than_its_budget(sources: list[Source], excused: dict[str, dict[str, str]]) -> None:
    long = {source.path: source.lines for source in sources if source.lines > FILE_LINES}
    show([f"{path}: {lines} lines" for path, lines in long.items() if path not in excused["long-files"]])


def test_no_function_is_longer_than_its_budget(sources: list[Source], excused: dict[str, dict[str, str]]) -> None:
    long = {name: lines for source in sources for name, lines in source.functions() if lines > FUNCTION_LINES}
    show([f"{name}: {lines} lines" for name, lines in long.items() if name not in excused["long-functions"]])


def test_files_and_functions_are_short_as_a_rule(packages: list[Source]) -> None:
    files = median(source.lines for source in packages)
    functions = median(lines for source in packages for _, lines in source.functions())
    faults = [f"median file: {files} lines, at most {MEDIAN_FILE}"] if files > MEDIAN_FILE else []
    faults += [f"median function: {functions} lines, at most {MEDIAN_FUNCTION}"] if functions > MEDIAN_FUNCTION else []
    show(faults)


def test_an_exception_has_a_reason_and_is_still_needed(
    sources: list[Source], excused: dict[str, dict[str, str]]
) -> None:
    """An exception that nothing needs any more would hide the next long one."""
    long_files = {source.path for source in sources if source.lines > FILE_LINES}
    long_functions = {name for source in sources for name, lines in source.functions() if lines > FUNCTION_LINES}
    faults = [f"{name}: no reason" for table in excused.values() for name, reason in table.items() if not reason]
    faults += [f"{name}: not long any more" for name in excused["long-files"].keys() - long_files]
    faults += [f"{name}: not long any more" for name in excused["long-functions"].keys() - long_functions]
    show(faults)
