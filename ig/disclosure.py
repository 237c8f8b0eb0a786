"""The bodies of ledger rows: who, why, under which agreement version, whom, which fields, and what came of it.

One decision is one row (a *disclosure* when permitted, a *refusal* when not) and is durable before anything is read;
an *outcome* row follows. A *batch* row stands for many people: their sorted tokens go beside it and their digest into
it. An *administration* row records what somebody did to the gateway itself. Fields: ``design/ig.md`` 5.5.2, after
ISO 27789 and IHE BALP. No names, no clinical values, no NHS number, no bearer token: people appear only as subject
tokens, which the gateway computes; where a text comes from outside it is cut short. The row's seq is in its chain, not
in its body.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from ig.canonical import Json
    from ig.decision import Decision
    from ig.question import Asker, Request

Body: TypeAlias = "dict[str, Json]"

TOKENS_IN_BODY = 10
"""A row about more people than this names them by count and digest alone; their tokens stand beside it."""

_LONGEST_TEXT = 256
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_TRUNCATED_ADDRESS = re.compile(r"[0-9a-fA-F:./]{0,43}")


class Event(StrEnum):
    """What a row records."""

    DISCLOSURE = "disclosure"
    REFUSAL = "refusal"
    OUTCOME = "outcome"
    BATCH = "batch"
    ADMINISTRATION = "administration"


class Status(StrEnum):
    """How a permitted access ended."""

    DONE = "done"
    NOTHING_FOUND = "nothing-found"
    ABORTED = "aborted"
    FAILED = "failed"


class NotOpaque(ValueError):
    """A value that could name a person was offered as a token. Carries the rule, never the value."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When, on three clocks: UTC, the machine's monotonic nanoseconds, and the boot that those count from."""

    at: datetime
    monotonic_ns: int
    boot: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a request came in. ``source_address`` is already truncated (a /24 or /48); ids are opaque."""

    moment: Moment
    decision_id: str
    request_id: str = ""
    traceparent: str = ""
    client_id: str = ""
    token_id: str = ""
    sign_in_assurance: str = ""
    source_address: str = ""


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a row is about, as far as known when it is written.

    ``subjects`` are tokens; ``relationship`` is the kind relied on, ``none`` where it was looked for and missing and
    empty where the use needs none; ``filters_digest`` is a keyed digest of what was searched by.
    """

    subjects: tuple[str, ...] = ()
    relationship: str = ""
    filters_digest: str = ""


NOBODY_YET = Whom()
"""Nothing is known of the subject before the search."""


def decided(circumstances: Circumstances, request: Request, decision: Decision, whom: Whom = NOBODY_YET) -> Body:
    """Return the row for a decision: a disclosure when it permits, a refusal when it does not.

    Raises:
        NotOpaque: when a subject is not a token.
    """
    return {
        "event": Event.DISCLOSURE if decision.permits else Event.REFUSAL,
        **_circumstances(circumstances),
        "actor": _actor(request.asker, circumstances),
        "purpose": request.asker.purpose,
        "level": request.level,
        "datasets": sorted(request.datasets),
        "decision": decision.effect,
        "reason": decision.reason,
        "grant": decision.grant,
        "agreement": decision.agreement,
        "fields": sorted(decision.fields_allowed),
        "fields_dropped": sorted(decision.fields_dropped),
        "filtered_on": sorted(request.filtered_on),
        "filters_digest": cut(whom.filters_digest),
        "row_filters": [":".join((f.kind, *f.values[:TOKENS_IN_BODY])) for f in decision.row_filters],
        "providers": len(decision.providers),
        "obligations": list(decision.obligations),
        "relationship": cut(whom.relationship),
        "subjects": subject_digest(whom.subjects),
    }


def outcome(
    circumstances: Circumstances,
    status: Status,
    *,
    rows: int,
    result_digest: str = "",
    subjects: Iterable[str] = (),
) -> Body:
    """Return the row that says how the access of the same ``decision_id`` ended and how much left.

    Raises:
        NotOpaque: when a subject is not a token.
    """
    return {
        "event": Event.OUTCOME,
        **_circumstances(circumstances),
        "status": status,
        "rows": rows,
        "result_digest": cut(result_digest),
        "subjects": subject_digest(subjects),
    }


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work on many people: the job's opaque id, how many rows it touched, and tokens of its people."""

    job: str
    rows: int
    subjects: tuple[str, ...]


def batch(circumstances: Circumstances, request: Request, decision: Decision, work: Work) -> Body:
    """Return the one row for work on many people: ingest, link, a trace file, a release.

    Raises:
        NotOpaque: when a subject is not a token.
    """
    whole = decided(circumstances, request, decision, Whom(work.subjects))
    return {**whole, "event": Event.BATCH, "job": cut(work.job), "rows": work.rows}


def administration(
    circumstances: Circumstances,
    asker: Asker,
    action: str,
    target: str,
    details: Mapping[str, str | int | bool] | None = None,
) -> Body:
    """Return the row for an act upon the gateway: an agreement activated, a key rotated, a caller revoked.

    ``action`` is a code such as ``isa:activate``; ``target`` names no person.
    """
    return {
        "event": Event.ADMINISTRATION,
        **_circumstances(circumstances),
        "actor": _actor(asker, circumstances),
        "purpose": asker.purpose,
        "action": cut(action),
        "target": cut(target),
        "details": {
            cut(key): cut(value) if isinstance(value, str) else value for key, value in (details or {}).items()
        },
    }


def subject_digest(subjects: Iterable[str]) -> Body:
    """Return how many people a row is about, the digest of their sorted tokens, and the tokens when they are few.

    Raises:
        NotOpaque: for anything that is not 16 to 128 letters, digits, ``-`` or ``_`` with at least one letter.
    """
    tokens = sorted(set(subjects))
    for token in tokens:
        if not _TOKEN.fullmatch(token) or token.isdecimal():
            raise NotOpaque("a subject must be given as its token")
    few: Sequence[str] = tokens if len(tokens) <= TOKENS_IN_BODY else ()
    return {"count": len(tokens), "digest": hashlib.sha256("\n".join(tokens).encode()).hexdigest(), "tokens": few}


def cut(text: str) -> str:
    """Return ``text`` no longer than a row may hold, with half surrogates replaced so that it has a canonical form."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _circumstances(c: Circumstances) -> Body:
    address = c.source_address if _TRUNCATED_ADDRESS.fullmatch(c.source_address) else "unreadable"
    return {
        "at": c.moment.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "monotonic_ns": str(c.moment.monotonic_ns),  # may exceed 2**53 on a machine that is up for 104 days
        "boot": cut(c.moment.boot),
        "decision_id": cut(c.decision_id),
        "request_id": cut(c.request_id),
        "traceparent": cut(c.traceparent),
        "source_address": address,
    }


def _actor(asker: Asker, c: Circumstances) -> Body:
    return {
        "subject": cut(asker.subject),
        "organisation": cut(asker.organisation),
        "org_class": asker.org_class,
        "role": asker.role,
        "client_id": cut(c.client_id),
        "token_id": cut(c.token_id),
        "sign_in_assurance": cut(c.sign_in_assurance),
    }
