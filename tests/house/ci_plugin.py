"""An engine that is not here is a named skip on a user's machine, and a failure where ``CI=true``.

Loaded for every run by ``-p`` in ``pyproject.toml``. Without it a continuous run could be green because PostgreSQL,
Chromium or ``../shared/specs`` had quietly gone away.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

SKIPS_FAIL = os.environ.get("CI") == "true"


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that still names what was missing; expected failures are not skips."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid}: nothing skips where CI=true. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at each phase of each test."""
    report = yield
    if SKIPS_FAIL:
        refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at modules that skip as a whole."""
    report = yield
    if SKIPS_FAIL:
        refuse(report)
    return report
