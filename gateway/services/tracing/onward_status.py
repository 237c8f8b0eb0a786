"""The NHS number status indicator of a record: one rule for every file and page that tells it.

NHS Data Dictionary, NHS NUMBER STATUS INDICATOR CODE: 01 present and verified, 02 present but not traced, 03 trace
required, 04 trace attempted without one match, 05 trace needs to be resolved, 06 trace in progress. 07 (not required)
and 08 (postponed) are for the source to say, and never written here. In order: what a national service said of the
details that the record still has; a number that such a service verified, whatever else has changed; a question that
waits for its answer; what the index found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.services.tracing.outcomes import NOT_TRACED, OF_TRACE, TRACE_REQUIRED, VERIFIED, status_of
from gateway.storage.links import Basis
from linkage.decide import Outcome

if TYPE_CHECKING:
    from datetime import date

    from gateway.services.tracing.against import CheckedAgainst
    from gateway.storage.onward import Check, Numbered, Question

IN_PROGRESS: Final = "06"


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """A status, and against what and when the number was checked; both absent where nobody has."""

    code: str
    against: str = ""
    on: date | None = None


def number_status(
    record: Numbered, check: Check | None, asked: Question | None, index: CheckedAgainst | None
) -> NumberStatus:
    """Return the status of one record.

    ``check`` is the national service's last word on it, ``asked`` the last question about it, ``index`` what it was
    traced in; any may be absent.
    """
    if check is not None and _stands(check, record):
        return NumberStatus(check.status, check.service, check.as_of)
    if asked is not None and not asked.meaning and asked.demographics_hash == record.demographics_hash:
        return NumberStatus(IN_PROGRESS, asked.service, asked.asked_at.date())
    if not record.outcome or index is None:
        return NumberStatus(NOT_TRACED if record.number else TRACE_REQUIRED)
    joined = record.linked and record.basis != Basis.OWN
    row = OF_TRACE[Outcome.MATCHED if joined else Outcome(record.outcome)]
    return NumberStatus(status_of(row, index_source=index.source), index.source, index.as_of)


def _stands(check: Check, record: Numbered) -> bool:
    """Whether the last word is about the record as it is: its details, and whom it is joined to since."""
    same = check.demographics_hash == record.demographics_hash
    if check.nhs_number:
        # whom somebody unlinked since is not verified any more, whatever number the source gave
        return check.nhs_number == record.linked and (same or check.status == VERIFIED)
    return same
