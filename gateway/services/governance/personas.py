"""The demonstration's people: one for each kind of user of DESIGN section 1. Synthetic, and in demo mode only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ig.purpose import OrgClass, Purpose, Role

COUNCIL: Final = "999"
PRACTICE: Final = "Z99001"
TRUST: Final = "RZZ"
BOARD: Final = "QZZ"


@dataclass(frozen=True, slots=True)
class Persona:
    """A demo caller: who they are, where they work, and the purposes they may choose at sign-in."""

    subject: str
    name: str
    organisation: str
    org_class: OrgClass
    role: Role
    purposes: tuple[Purpose, ...]

    @property
    def default_purpose(self) -> Purpose:
        """The purpose used when none is chosen."""
        return self.purposes[0]


_TRACE, _CARE = Purpose.DEMOGRAPHIC_TRACE, Purpose.DIRECT_CARE

PERSONAS: Final[dict[str, Persona]] = {
    persona.subject: persona
    for persona in (
        Persona("social-worker", "Sam Socialworker", COUNCIL, OrgClass.COUNCIL, Role.SOCIAL_WORKER, (_TRACE, _CARE)),
        Persona("navigator", "Nia Navigator", COUNCIL, OrgClass.COUNCIL, Role.NAVIGATOR, (_CARE,)),
        Persona(
            "gp",
            "Gita Practitioner",
            PRACTICE,
            OrgClass.GP_PRACTICE,
            Role.GP,
            (_CARE, _TRACE, Purpose.RISKSTRAT_CASEFIND),
        ),
        Persona("ward", "Wanda Ward", TRUST, OrgClass.ACUTE_TRUST, Role.WARD, (_CARE, _TRACE)),
        Persona("reviewer", "Ravi Reviewer", COUNCIL, OrgClass.COUNCIL, Role.REVIEWER, (_TRACE,)),
        Persona("analyst", "Ana Analyst", BOARD, OrgClass.ICB, Role.ANALYST, (Purpose.ANALYTICS,)),
        Persona(
            "ig-officer",
            "Ingrid Governance",
            COUNCIL,
            OrgClass.COUNCIL,
            Role.IG_OFFICER,
            (Purpose.IG_AUDIT, Purpose.SUBJECT_ACCESS),
        ),
        Persona(
            "privacy-officer", "Piotr Privacy", COUNCIL, OrgClass.COUNCIL, Role.PRIVACY_OFFICER, (Purpose.IG_AUDIT,)
        ),
        Persona("data-team", "Dee Datateam", COUNCIL, OrgClass.COUNCIL, Role.DATA_TEAM, (_TRACE,)),
    )
}
