"""The one value that says who is asking: everything behind the front door takes it, nothing re-reads a token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ig.purpose import OrgClass, Purpose, Role


class Kind(StrEnum):
    """What sort of asker: a person at a desk, another system, or the gateway's own scheduled work."""

    HUMAN = "human"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated asker with exactly one purpose, taken from its token or session, never from a parameter."""

    subject: str
    name: str
    organisation: str
    org_class: OrgClass
    role: Role
    purpose: Purpose
    kind: Kind = Kind.HUMAN
    persona: str = ""
    session: str = ""
