"""The Permit: proof, in the hand of whoever reads person data, that the gate decided and the ledger knows.

Repositories take a Permit as their first argument or give nothing. Only ``gateway.gate`` may import :func:`mint`;
a test walks every module of the repository to hold that. Copies, pickles and look-alikes are refused: what counts
is the seal, an object of this process that covers the permit's content and never leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from gateway.errors import NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ig.decide import RowFilter


@final
class _Seal:
    """What mint puts on a permit: it covers the very content, so that a permit cannot be altered by copying it."""

    __slots__ = ("over",)

    def __init__(self, over: tuple[object, ...]) -> None:
        self.over = over


@final
@dataclass(frozen=True, slots=True)
class Permit:
    """What one decision allows. ``decision_id`` is its ledger row; ``fields`` are those not dropped.

    ``providers`` are the organisations (ODS codes) whose records may be read; ``row_filters`` narrow them further,
    from a closed vocabulary that storage joins.

    Raises:
        NotPermitted: when anything but :func:`mint` tries to make one.
    """

    decision_id: str
    caller: str
    organisation: str
    purpose: str
    agreement: str
    fields: frozenset[str]
    providers: frozenset[str]
    row_filters: tuple[RowFilter, ...]
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if type(self.seal) is not _Seal or self.seal.over != self._content():
            raise NotPermitted("a permit comes from the gate alone", reason="permit-forged")

    def _content(self) -> tuple[object, ...]:
        return (
            self.decision_id,
            self.caller,
            self.organisation,
            self.purpose,
            self.agreement,
            self.fields,
            self.providers,
            self.row_filters,
        )

    def __copy__(self) -> Permit:
        """A permit is immutable, so a copy is the permit itself."""
        return self

    def __reduce__(self) -> str:
        """Refuse to be pickled: a permit does not outlive its process."""
        raise NotPermitted("a permit does not leave its process", reason="permit-forged")


def mint(  # noqa: PLR0913 - one argument for each thing a decision fixes
    *,
    decision_id: str,
    caller: str,
    organisation: str,
    purpose: str,
    agreement: str,
    fields: Iterable[str] = (),
    providers: Iterable[str] = (),
    row_filters: Iterable[RowFilter] = (),
) -> Permit:
    """Make a permit. For ``gateway.gate`` only, after the decision row is durable."""
    who = (decision_id, caller, organisation, purpose, agreement)
    what = (frozenset(fields), frozenset(providers), tuple(row_filters))
    return Permit(*who, *what, seal=_Seal((*who, *what)))


def require(permit: object) -> None:
    """Let a genuine permit pass.

    Raises:
        NotPermitted: ``permit`` was not made by :func:`mint` in this process.
    """
    # object.__new__ leaves the slot empty, and a subclass could override what it likes.
    if type(permit) is not Permit or type(getattr(permit, "seal", None)) is not _Seal:
        raise NotPermitted("person data is read with a permit from the gate", reason="permit-required")
