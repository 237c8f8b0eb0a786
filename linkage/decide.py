"""From candidates to an answer: the matcher and the words it answers in."""

from __future__ import annotations

from linkage.findings import (
    Candidate,
    Death,
    Finding,
    Flag,
    Outcome,
    Scored,
    Step,
    Verdict,
    Verification,
)

__all__ = ["Candidate", "Death", "Finding", "Flag", "Outcome", "Scored", "Step", "Verdict", "Verification"]
