"""The reader of ADT messages: one item for each message of a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from adapters.acute import visit
from adapters.acute.er7 import NULL, Message, one_message, raw_messages
from adapters.acute.person import SOURCE, Identity, organisation_of, patient, retired, told
from adapters.feed import Quarantined, SourceRecord
from adapters.values import BadField, hl7_instant, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.acute.er7 import RawMessage
    from adapters.feed import Feed, Item
    from adapters.ukcore import Resource

_PERSON_EVENTS = frozenset({"A28", "A31", "A08"})
_MERGE = "A40"


def read(feeds: Sequence[Feed]) -> Iterator[Item]:
    """Read files of ADT messages one after another, message by message.

    Raises:
        FeedRefused: a file cannot be used at all; nothing of it has been given.
    """
    for feed in feeds:
        for number, raw in enumerate(raw_messages(feed), start=1):
            yield _item(feed.name, number, raw)


def read_message(original: bytes, feed: str, row: int = 1) -> Item:
    """Read one whole message as a transport delivers it, framed or not, however its segments end."""
    return _read(one_message(original), feed, row)


def _read(original: bytes, feed: str, row: int) -> Item:
    try:
        return _record(original, feed, row)
    except BadField as fault:
        return _quarantined(original, feed, row, fault)


def _item(feed: str, row: int, raw: RawMessage) -> Item:
    data = raw.data
    if raw.too_large:
        return _quarantined(data, feed, row, BadField("MSH", "message-too-large", "larger than a mebibyte; cut"))
    if data.startswith(b"MSH") and not raw.ended:
        said = "the file ends inside this message, or without ending its last segment"
        return _quarantined(data, feed, row, BadField("MSH", "truncated-row", said))
    return _read(data, feed, row)


def _quarantined(original: bytes, feed: str, row: int, fault: BadField) -> Quarantined:
    return Quarantined(feed, row, fault.field, fault.rule, str(fault), original, _control_id(original))


def _control_id(original: bytes) -> str:
    """Give MSH-10 of a message that could not be used, if it can be had."""
    fields = original.split(b"\r", 1)[0].split(original[3:4] or b"|")
    return fields[9].decode("ascii", "replace")[:199] if original.startswith(b"MSH") and len(fields) > _MSH_10 else ""


_MSH_10 = 9


def _record(original: bytes, feed: str, row: int) -> SourceRecord:
    message = Message(original)
    organisation = organisation_of(message)
    event = told(message, "MSH", 9, 2).upper() or told(message, "EVN", 1).upper()
    if told(message, "MSH", 9).upper() != "ADT" or event not in visit.STATUS.keys() | _PERSON_EVENTS | {_MERGE}:
        raise BadField("MSH-9", "unsupported-event", "not an event this reader understands")
    control = told(message, "MSH", 10)
    if not control:
        raise BadField("MSH-10", "blank-mandatory", "blank, and it names the message")
    if not message.has("PID"):
        raise BadField("PID", "missing-segment", "the message has no patient")
    identity = Identity(message, "PID", 3, organisation)
    ref, resources, merged_into = _told(message, event, organisation, identity)
    when = told(message, "EVN", 2) or told(message, "MSH", 7)
    return SourceRecord(
        source=SOURCE,
        organisation=organisation,
        kind=f"adt-{event.lower()}",
        local_id=f"{told(message, 'MSH', 3)}:{control}",
        person_ref=ref,
        feed=feed,
        row=row,
        original=original,
        content_hash=hashlib.sha256(original).hexdigest(),
        occurred=in_utc(hl7_instant(when, "EVN-2")),
        resources=resources,
        merged_into=merged_into,
    )


def _told(message: Message, event: str, organisation: str, identity: Identity) -> tuple[str, tuple[Resource, ...], str]:
    """Give whose record it is, its resources, and the person they were merged into."""
    person = patient(message, organisation, identity)
    if event == _MERGE:
        gone = _retired(message, organisation)
        if gone.ref == identity.ref:
            raise BadField("MRG-1", "merged-into-itself", "the same person as in PID-3")
        return gone.ref, (retired(organisation, gone, identity), person), identity.ref
    if event in visit.STATUS and not message.has("PV1"):
        raise BadField("PV1", "missing-segment", "this event is about a visit, and the message has none")
    return identity.ref, (person, *visit.resources(message, event, organisation, identity.ref)), ""


def _retired(message: Message, organisation: str) -> Identity:
    merges = message.segments.get("MRG", [])
    if len(merges) != 1:
        raise BadField("MRG", "missing-segment" if not merges else "several-merges", "a merge names one retired person")
    if message.value("MRG", 1) == NULL:
        raise BadField("MRG-1", "blank-mandatory", "names nobody")
    return Identity(message, "MRG", 1, organisation)
