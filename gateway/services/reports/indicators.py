"""The NHS number status indicator in words (NHS Data Dictionary, NHS NUMBER STATUS INDICATOR CODE)."""

from __future__ import annotations

from typing import Final

INDICATORS: Final = {
    "01": "present and verified",
    "02": "present but not traced nationally",
    "03": "trace required",
    "04": "trace attempted: no match or several",
    "05": "trace needs to be resolved",
    "06": "trace in progress",
    "07": "not present and trace not required",
    "08": "trace postponed (baby under six weeks)",
}
"""Code → what it says."""
