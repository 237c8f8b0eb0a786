"""Why a pair was, or was not, taken for one person: a list of evidence, drawn later.

The list feeds the review page, the API, the ledger and the export alike. It holds field names, levels and
bits, never a value of either person, so it may be logged.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """How one field compared: which level it reached and its weight in bits (log2 m/u)."""

    field: str
    level: str
    bits: float
