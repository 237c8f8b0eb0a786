"""Codes that agreements release only by name: a small illustrative set of our own making.

It is not the national exclusion set (SNOMED CT simple refsets of the GP record programmes), which a deployer
loads in its place: `read` takes any set of SNOMED CT concept ids.
"""

from __future__ import annotations

from typing import Final

SENSITIVE_CODES: Final[frozenset[str]] = frozenset(
    {
        "86406008",  # human immunodeficiency virus infection
        "62479008",  # acquired immune deficiency syndrome
        "165816005",  # HIV positive
        "57797005",  # termination of pregnancy
        "386639001",  # termination of pregnancy procedure
        "714812005",  # induced termination of pregnancy
        "407375002",  # surgical gender reassignment
        "93461009",  # gender dysphoria
        "52637005",  # in vitro fertilisation
    }
)
"""HIV, termination of pregnancy, gender reassignment, in vitro fertilisation."""
