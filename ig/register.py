"""The register: every agreement, signature and status that a decision may rely on, as one immutable snapshot.

A change of the register is a new register. What it permits at an instant is compiled when first asked and kept until
its calendar next turns, so a decision pays for none of it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ig.lifecycle import NEVER_IN_FORCE
from ig.lint import errors
from ig.policy import Calendar, Policy, boundaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ig.terms import Agreement, Signature, Status


class RegisterFault(ValueError):
    """Agreements that cannot stand together: the same version twice, a gap, or a version with lint errors in force."""


@dataclass(frozen=True)
class Register:
    """Agreements and frameworks alike, all versions that still matter.

    ``signatures`` are those kept beside the texts, which may hold their own; ``statuses`` says where a version stands
    now, when that is no longer what its text says: (id, version) → status.

    Raises:
        RegisterFault: when made of what cannot stand together.
    """

    agreements: tuple[Agreement, ...]
    signatures: tuple[Signature, ...] = ()
    statuses: Mapping[tuple[str, int], Status] = field(default_factory=dict)
    _turns: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _compiled: dict[int, Policy] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        _check_versions(self.agreements)
        for agreement in self.agreements:
            bad = errors(agreement) if self.status(agreement.id, agreement.version) not in NEVER_IN_FORCE else []
            if bad:
                where = f"{agreement.id} version {agreement.version}, line {bad[0].line}"
                raise RegisterFault(f"{where}: {bad[0].message} ({bad[0].rule})")
        object.__setattr__(self, "_turns", tuple(boundaries(self.agreements, self.signatures)))

    def effective(self, now: datetime) -> Policy:
        """Return what is permitted at ``now`` (an aware instant)."""
        era = bisect_right(self._turns, now)
        policy = self._compiled.get(era)
        if policy is None:
            # Two threads may compile the same era at once; they put in the same thing.
            calendar = Calendar(self.agreements, self.signatures, self.statuses, now)
            policy = self._compiled[era] = calendar.compile()
        return policy

    def status(self, agreement: str, version: int) -> Status | None:
        """Return where a version stands now, or None when the register has no such version."""
        text = next((a.status for a in self.agreements if a.key == (agreement, version)), None)
        return None if text is None else self.statuses.get((agreement, version), text)

    def with_status(self, agreement: str, version: int, status: Status) -> Register:
        """Return the register in which a version has another status. ``ig.lifecycle`` says which may follow."""
        return Register(self.agreements, self.signatures, {**self.statuses, (agreement, version): status})

    def with_signatures(self, signatures: Iterable[Signature]) -> Register:
        """Return the register with further signatures."""
        return Register(self.agreements, (*self.signatures, *signatures), self.statuses)

    def with_agreement(self, agreement: Agreement) -> Register:
        """Return the register with one more version."""
        return Register((*self.agreements, agreement), self.signatures, self.statuses)


def _check_versions(agreements: tuple[Agreement, ...]) -> None:
    keys = sorted(a.key for a in agreements)
    for (name, version), (next_name, next_version) in pairwise(keys):
        if name == next_name and version == next_version:
            raise RegisterFault(f"{name} version {version} is there twice: a version never changes, make a new one")
        if name == next_name and next_version != version + 1:
            raise RegisterFault(f"{name} has no version {version + 1}: versions have no gaps")
