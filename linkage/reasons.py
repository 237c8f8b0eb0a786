"""Why a candidate was found, or was not: the reason's stable code and a sentence for staff, for any pair.

Sentences name fields and never a value of anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linkage.findings import Outcome, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from linkage.findings import Finding, Scored

FOUND: Final = "found"
NOT_IN_INDEX: Final = "not-in-index"
INVALIDATED: Final = "invalidated"
RULED_OUT: Final = "ruled-out"
SEPARATED: Final = "separated"
NO_KEY: Final = "no-key"
_TOO_FAR: Final = "too-far"
_TOO_CLOSE: Final = "runner-up-too-close"
_AHEAD: Final = "another-ahead"
_BY_NUMBER: Final = "settled-by-number"

SENTENCES: Final[Mapping[str, str]] = {
    FOUND: "This is the person found",
    NOT_IN_INDEX: "This index does not hold that number",
    INVALIDATED: "This number was withdrawn: nobody is matched to it",
    RULED_OUT: "A person decided that these two are never the same",
    SEPARATED: "A record that a person separated from this one is this person",
    NO_KEY: "Not looked at: no combination by which candidates are found is the same on both sides",
    _TOO_FAR: "Too little speaks for this person: below what a reviewer is shown",
    _TOO_CLOSE: "Another candidate is nearly as likely: a person must decide",
    _AHEAD: "Another candidate is ahead",
    _BY_NUMBER: "The NHS number settled it: the details of the person of that number agree",
    "number-and-birth-date": "The NHS number and the date of birth agree",
    "number-birth-date-and-name": "The NHS number, the date of birth and a name agree",
    "number-near-birth-date-and-names": "The NHS number and both names agree, the date of birth nearly",
    "number-near-birth-date-name-and-place": "The NHS number, a name and the place agree, the date of birth nearly",
    "details-agree-exactly": "Names, date of birth, sex and place agree exactly, of nobody else",
    "weight": "The details together weigh enough",
    "too-little": "The record says too little: at least a number, a name and a date of birth, or names and a place",
    "no-candidates": "Nobody in this index shares enough with the record to be looked at",
    "nobody-near": "Nobody in this index is near enough",
    "too-little-weight": "The details together do not weigh enough: a person must decide",
    "too-few-fields-agree": "Too few independent details agree: a person must decide",
    "successor-not-among-candidates": "This number was replaced, the one in force is not near: a person must decide",
    "needs-confirmation": "For this use a person must confirm what was found by weight",
    "given-name-differs": "The first names differ: a person must decide",
    "forename-and-sex-differ": "First name and sex differ: a person must decide",
    "birth-date-differs": "The dates of birth differ: a person must decide",
    "another-number": "The record gives another valid NHS number: a person must decide",
    "claimed-by-a-separated-record": "A record that a person separated from this one matches the same person",
}
"""Reason code → sentence without its full stop: what the decision rule says, and what is said of any pair."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code, and by how many bits another candidate is ahead where that is the reason."""

    code: str
    ahead: float | None = None

    @property
    def sentence(self) -> str:
        """The reason for staff."""
        said = sentence(self.code)
        return f"{said}, by {self.ahead:.1f} bits." if self.ahead is not None else f"{said}."


def sentence(code: str) -> str:
    """A reason's sentence without its full stop; a veto of somebody else's model is named as it is there."""
    return SENTENCES.get(code) or f"{code.replace('-', ' ').capitalize()}: a person must decide"


def why(finding: Finding, one: Scored, *, review: float, gap: float, prior_bits: float) -> Reason:
    """Why a candidate that was weighed was found or was not.

    ``review`` and ``gap`` are the threshold's of the use the finding was made for; ``prior_bits`` the weight at which
    a candidate is as likely as the person's absence.
    """
    best = finding.best
    if best is not None and best.candidate.person_id == one.candidate.person_id:
        return Reason(FOUND if finding.outcome is Outcome.MATCHED else finding.reason)
    if finding.step is Step.CROSS_CHECK:
        return Reason(_BY_NUMBER)
    if best is None or one.bits - prior_bits < review:
        return Reason(_TOO_FAR)
    ahead = best.bits - one.bits
    return Reason(_TOO_CLOSE) if finding.outcome is Outcome.MANY and ahead < gap else Reason(_AHEAD, ahead)
