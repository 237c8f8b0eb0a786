"""How facts are keyed, so that what the services write is what row filters join.

| kind           | subject   | value                                        |
|----------------|-----------|----------------------------------------------|
| assurance      | ODS code  | DSPT status                                  |
| registration   | person id | ODS code of the practice, or ``none``        |
| relationship   | person id | ``ODS code:kind``, any number of them        |
| optout:SCHEME  | person id | ``opted-out`` or ``none``                    |
| never-link     | person id | the person id that it never is (sealed)      |

A person holds one value of every kind but relationship: a newer fact takes the place of an older one.
"""

from __future__ import annotations

from typing import Final

ASSURANCE: Final = "assurance"
REGISTRATION: Final = "registration"
RELATIONSHIP: Final = "relationship"
OPT_OUT: Final = "optout:"
NEVER_LINK: Final = "never-link"
"""The subject (a former identity's person id) is never the person whose id is the value. Sealed."""


def opt_out(scheme: str) -> str:
    """Return the kind of fact that records an opt-out: ``national``, ``type1`` or ``scheme:CODE``."""
    return f"{OPT_OUT}{scheme}"


def relationship(organisation: str, kind: str) -> str:
    """Return the value that says somebody of ``organisation`` stands in this kind of relationship to the person."""
    return f"{organisation}:{kind}"


def single_valued(kind: str) -> bool:
    """Whether a subject has at most one value of this kind."""
    return kind != RELATIONSHIP
