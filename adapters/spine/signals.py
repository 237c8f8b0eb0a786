"""Signals of the national services: whose record changed, and which event said so. A signal carries no changed values.

Three shapes, told apart by their first character and their fields: a CloudEvent of the Multicast Notification Service
(MNS), its FHIR R4 form (a history Bundle around Parameters, after the subscriptions backport), and an event message of
the National Events Management Service (NEMS; an STU3 message Bundle in XML). Sources: the published specification and
example signals of MNS, the example messages of NEMS. XML with a document type is refused, so that nothing can be
expanded or fetched. Messages name rules and never the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

import orjson

from linkage.nhs_number import NhsNumber, NotAnNhsNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 256 * 1024
"""Bytes in one signal; the largest published example has six thousand."""

EVENTS: Final = frozenset(
    {
        "pds-record-change-1",
        "pds-record-change-2",
        "pds-death-notification-1",
        "pds-death-notification-2",
        "pds-change-of-gp-1",
        "pds-change-of-gp-2",
        "pds-change-of-address-1",
        "nhs-number-change-1",
        "nhs-number-change-2",
    }
)
"""The events after which a person's demographics are to be read anew. Others are refused by name of the rule."""

_DEEPEST: Final = 40
_EVENT_CODE: Final = "Bundle/entry/resource/MessageHeader/event/code"
_ROUTED: Final = "Bundle/entry/resource/MessageHeader/extension/extension[nhsNumber]/valueIdentifier/value"
_TIMESTAMP: Final = "Bundle/entry/resource/MessageHeader/timestamp"
_SERIAL: Final = "Bundle/entry/resource/Patient/meta/versionId"
_OF_PATIENT: Final = "Bundle/entry/resource/Patient/identifier/value"


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. ``version`` is that of the national record after the change, 0 where it was not told.

    After a merge ``number`` is the old one: whoever reads it finds the record that took its place.
    """

    event: str
    number: NhsNumber
    version: int
    told_at: datetime


class SignalRefused(ValueError):
    """Bytes that are no signal, or none that is listened to. Carries the rule and never what was sent."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"not a signal: {rule}")
        self.rule = rule


def read_signal(data: bytes) -> Signal:
    """Read one signal in any of the three shapes.

    Raises:
        SignalRefused: too large, of no known shape or event, without a valid NHS number or time, or XML that is unsafe.
    """
    if len(data) > LARGEST:
        raise SignalRefused("too-large")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _nems(_values(data))
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise SignalRefused("not-json") from None
    if not isinstance(told, dict):
        raise SignalRefused("shape")
    return _bundle(told) if told.get("resourceType") == "Bundle" else _cloud_event(told)


def _signal(event: object, number: object, version: object, told_at: object) -> Signal:
    if not isinstance(event, str) or event not in EVENTS:
        raise SignalRefused("event")
    try:
        known = NhsNumber.parse(number if isinstance(number, str) else "")
    except NotAnNhsNumber:
        raise SignalRefused("nhs-number") from None
    try:
        at = datetime.fromisoformat(told_at if isinstance(told_at, str) else "")
    except ValueError:
        raise SignalRefused("time") from None
    if at.tzinfo is None:
        raise SignalRefused("time")
    return Signal(event, known, _version(version), at)


def _version(told: object) -> int:
    r"""The figure in ``W/"4"`` or ``4``; 0 for anything else: a version that nobody can read tells nothing."""
    digits = str(told).removeprefix("W/").strip('"')
    # nobody's record changes a million times
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 6 else 0  # noqa: PLR2004


def _cloud_event(told: dict[str, Any]) -> Signal:
    """A CloudEvent: the number is its subject, or (first versions) in the subject's parts."""
    subject, data = told.get("subject"), told.get("data")
    number = subject.get("nhsNumber") if isinstance(subject, dict) else subject
    version = data.get("versionId") if isinstance(data, dict) else ""
    if "type" not in told:
        raise SignalRefused("shape")
    return _signal(told["type"], number, version, told.get("time"))


def _bundle(told: dict[str, Any]) -> Signal:
    """A history Bundle: the first Parameters in it, whose additional context names event and person."""
    parameters = next((one for one in _resources(told) if one.get("resourceType") == "Parameters"), None)
    if told.get("type") != "history" or parameters is None:
        raise SignalRefused("shape")
    context = _named(parameters.get("parameter"), "additional-context")
    event = _named(parameters.get("parameter"), "notification-event")
    subject = _within(_named(context.get("part"), "subject"), "valueReference", "identifier", "value")
    return _signal(
        _named(context.get("part"), "event-type").get("valueString"),
        subject,
        _named(context.get("part"), "version-id").get("valueString", ""),
        _named(event.get("part"), "timestamp").get("valueInstant") or told.get("timestamp"),
    )


def _resources(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = told.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield resource


def _named(parts: object, name: str) -> dict[str, Any]:
    found = (one for one in parts if isinstance(one, dict)) if isinstance(parts, list) else ()
    return next((one for one in found if one.get("name") == name), {})


def _within(told: object, *steps: str) -> object:
    for step in steps:
        told = told.get(step) if isinstance(told, dict) else None
    return told


def _nems(values: dict[str, str]) -> Signal:
    """An event message: the number that it was routed by; the version where it is that person's."""
    number = values.get(_ROUTED, "")
    version = values.get(_SERIAL, "") if values.get(_OF_PATIENT) == number else ""
    if _EVENT_CODE not in values:
        raise SignalRefused("shape")
    return _signal(values[_EVENT_CODE], number, version, values.get(_TIMESTAMP))


def _values(data: bytes) -> dict[str, str]:
    """Each path of an XML resource with the first value that stands there; an extension's path has its name in it."""
    found: dict[str, str] = {}
    path: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        path.append(f"{name}[{attributes['url']}]" if name == "extension" and _is_name(attributes) else name)
        if len(path) > _DEEPEST:
            raise SignalRefused("too-deep")
        if "value" in attributes:
            found.setdefault("/".join(path), attributes["value"])

    def end(_name: str) -> None:
        path.pop()

    def refuse(*_told: object) -> None:
        raise SignalRefused("document-type")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise SignalRefused("not-xml") from None
    return found


def _is_name(attributes: dict[str, str]) -> bool:
    return attributes.get("url", "").isalpha()
