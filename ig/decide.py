"""The decision. Types first; the evaluator follows."""

from __future__ import annotations

from ig.decision import Decision, Duty, Effect, FilterKind, Reason, RowFilter
from ig.question import Asker, Described, Fact, Facts, Known, Population, Request, SubjectRef

__all__ = ["Asker", "Decision", "Described", "Duty", "Effect", "Fact", "Facts", "FilterKind", "Known", "Population"]
__all__ += ["Reason", "Request", "RowFilter", "SubjectRef"]
