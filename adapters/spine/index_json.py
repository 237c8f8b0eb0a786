"""The population index as PDS-shaped Patients in JSON: one a line, the lines of a daily extract, or one document.

Three files are told apart by their first lines. Lines of Patients (ndjson), and the extract that NHS England's data
platform takes from PDS each day (a header, then ``activity_date|scn|nhs_number|json``), are read line by line, however
many there are. Anything else that begins with ``{`` or ``[`` is one document: a Patient, a Bundle or a list of either.

A line is kept by the NHS number that it is about. Where the Patient in it has another, the first was replaced by the
second: so PDS answers for a superseded number. How far somebody is protected is in ``meta.security`` and nowhere
else: a line that does not say it, or says it in a code that is not known, is quarantined rather than taken for open.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from adapters.feed import FeedRefused, Quarantined
from adapters.person import to_demographics
from adapters.rows import look_over
from adapters.spine.index import Death, IndexRow, partial_date
from adapters.systems import CONFIDENTIALITY
from adapters.values import BadField, nhs_number
from linkage.person import Gender, Security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.feed import Feed
    from adapters.ukcore import Resource

LARGEST_DOCUMENT: Final = 64 * 1024 * 1024
"""Bytes in a document that is no list of lines; more people than that come one a line."""
_LOOKED_AT: Final = 5
"""So many lines say whether a file is one of lines: a bad one among them is quarantined as anywhere else."""
_BOM: Final = b"\xef\xbb\xbf"
_EXTRACT_FIELDS: Final = 4
_EXTRACT_HEADER: Final = re.compile(rb"[^|{]*(?:\|[^|{]*){7}", re.ASCII)
"""``file_ref|DSP|update|datetime|internal_id|file_no|total_files|total_nhs_nos``"""
_SECURITY: Final = {
    "U": Security.UNRESTRICTED,
    "R": Security.RESTRICTED,
    "V": Security.VERY_RESTRICTED,
    "REDACTED": Security.INVALIDATED,
}
_DEATH: Final = {"1": Death.INFORMAL, "2": Death.FORMAL, "U": Death.NONE}
_DEATH_STATUS: Final = "DeathNotificationStatus"
_SAYS_WHERE: Final = frozenset({"generalPractitioner", "managingOrganization", "telecom", "contact", "address"})
_KEPT_RESTRICTED: Final = frozenset(
    [
        "resourceType",
        "id",
        "meta",
        "name",
        "gender",
        "birthDate",
        "deceasedDateTime",
        "multipleBirthInteger",
        "extension",
    ]
)
_KEPT: Final = _KEPT_RESTRICTED | _SAYS_WHERE
_TEXTS: Final = {
    "name": ("use", "family", "given", "prefix", "suffix"),
    "address": ("use", "line", "city", "district", "postalCode", "text"),
    "telecom": ("system", "value", "use"),
}
_SEVERAL: Final = frozenset({"given", "prefix", "suffix", "line"})
_LISTS: Final = ("name", "extension", "identifier", "generalPractitioner", "telecom", "contact", "address")
_KEPT_WITHDRAWN: Final = frozenset({"resourceType", "id", "meta"})


def patient_rows(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    """Read PDS-shaped Patients; one that breaks a rule is quarantined and the rest go on.

    Raises:
        FeedRefused: the file cannot be used: unreadable, empty, not UTF-8, a line or a document too long, not JSON.
    """
    look_over(feed, b"\n")
    first = [line for _, line in islice(_lines(feed), _LOOKED_AT)]
    if first and b"|" in first[0].partition(b"{")[0]:
        yield from _extract(feed)
    elif any(_patient_of(line) is not None for line in first):
        for place, line in _lines(feed):
            yield _of_line(feed, place, line, line)
    else:
        yield from _document(feed)


def _lines(feed: Feed) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its place in the file from 1."""
    try:
        with feed.open() as stream:
            for place, line in enumerate(stream, start=1):
                body = line.removeprefix(_BOM).strip() if place == 1 else line.strip()
                if body:
                    yield place, body
    except (OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "the file could not be read to its end") from fault


def _extract(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    for place, line in _lines(feed):
        if place == 1 and _EXTRACT_HEADER.fullmatch(line):
            continue
        fields = line.split(b"|", _EXTRACT_FIELDS - 1)
        if len(fields) < _EXTRACT_FIELDS:
            yield _bad(feed, place, line, BadField("line", "wrong-field-count", "not the four fields of the extract"))
        else:
            yield _of_line(feed, place, line, fields[3], number=fields[2].decode(errors="replace").strip())


def _of_line(feed: Feed, place: int, line: bytes, body: bytes, number: str = "") -> IndexRow | Quarantined:
    patient = _patient_of(body)
    if patient is None:
        return _bad(feed, place, line, BadField("json", "not-a-patient", "not a Patient as JSON"))
    return _row(feed, place, line, patient, number)


def _document(feed: Feed) -> Iterator[IndexRow | Quarantined]:
    try:
        with feed.open() as stream:
            data = stream.read(LARGEST_DOCUMENT + 1)
    except (OSError, EOFError) as fault:
        raise FeedRefused(feed.name, "unreadable", "the file could not be read") from fault
    if len(data) > LARGEST_DOCUMENT:
        raise FeedRefused(feed.name, "document-too-large", "a document as long as this comes with one Patient a line")
    try:
        held = orjson.loads(data.removeprefix(_BOM))
    except orjson.JSONDecodeError as fault:
        raise FeedRefused(feed.name, "not-json", "neither lines of Patients nor one JSON document", row=1) from fault
    for place, one in enumerate(_resources(held), start=1):
        original = orjson.dumps(one)
        if isinstance(one, dict) and one.get("resourceType") == "Patient":
            yield _row(feed, place, original, one, "")
        else:
            yield _bad(feed, place, original, BadField("json", "not-a-patient", "not a Patient"))


def _resources(held: object) -> Iterator[object]:
    """Each resource of a document, those of its Bundles included."""
    if isinstance(held, list):
        for one in held:
            yield from _resources(one)
    elif isinstance(held, dict) and held.get("resourceType") == "Bundle":
        entries = held.get("entry", [])
        for entry in entries if isinstance(entries, list) else [entries]:
            yield entry.get("resource") if isinstance(entry, dict) else entry
    else:
        yield held


def _patient_of(body: bytes) -> Resource | None:
    try:
        held = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return held if isinstance(held, dict) and held.get("resourceType") == "Patient" else None


def _bad(feed: Feed, place: int, original: bytes, fault: BadField) -> Quarantined:
    return Quarantined(feed.name, place, fault.field, fault.rule, str(fault), original)


def _row(feed: Feed, place: int, original: bytes, patient: Resource, number: str) -> IndexRow | Quarantined:
    try:
        return replace(_read(patient, number), row=place, original=original)
    except BadField as fault:
        return _bad(feed, place, original, fault)
    except (TypeError, AttributeError, ValueError, KeyError):
        # an element of another shape than the specification gives it
        return _bad(feed, place, original, BadField("json", "wrong-shape", "an element has not the shape of a Patient"))


def _read(patient: Resource, number: str) -> IndexRow:
    for name in _LISTS:
        if not all(isinstance(one, dict) for one in patient.get(name) or ()):
            raise BadField(name, "wrong-shape", "not a list of what the specification gives it")
    for name, texts in _TEXTS.items():
        parts = patient.get(name) or ()
        if not all(_is_text(part[text], several=text in _SEVERAL) for part in parts for text in texts if text in part):
            raise BadField(name, "wrong-shape", "a part of it is no text")
    told = to_demographics(patient)
    current = nhs_number(str(patient.get("id", "")), "id")
    if not current:
        raise BadField("id", "empty", "blank, and it is the person's key")
    if told.nhs_number and told.nhs_number != current:
        raise BadField("identifier", "number-mismatch", "another number than the id")
    about = nhs_number(number, "nhs_number") or current
    if told.gender not in {"", *Gender}:
        raise BadField("gender", "unknown-code", "not one of male, female, other, unknown")
    demographics = replace(
        told,
        nhs_number=about,
        birth_date=partial_date(told.birth_date, "birthDate"),
        death_date=partial_date(told.death_date, "deceasedDateTime"),
        gp_practice=told.gp_practice.upper(),
    )
    security = _security(patient)
    replaced_by = current if about != current else ""
    return IndexRow(demographics, replaced_by, security, _death(patient), patient=_held(patient, about, security))


def _is_text(value: object, *, several: bool) -> bool:
    if several:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _security(patient: Resource) -> Security:
    labels = [
        one["code"] for one in patient["meta"]["security"] if one.get("system", CONFIDENTIALITY) == CONFIDENTIALITY
    ]
    if len(labels) != 1 or labels[0] not in _SECURITY:
        raise BadField("meta.security", "unknown-code", "not one of U, R, V, REDACTED")
    return _SECURITY[labels[0]]


def _death(patient: Resource) -> Death:
    """How a death is known. One without a status is taken for informal: it closes nothing."""
    for extension in patient.get("extension", ()):
        if extension["url"].endswith(_DEATH_STATUS):
            parts = {part["url"]: part for part in extension["extension"]}
            code = parts["deathNotificationStatus"]["valueCodeableConcept"]["coding"][0]["code"]
            if code not in _DEATH:
                raise BadField("deathNotificationStatus", "unknown-code", "not one of 1, 2, U")
            return _DEATH[code]
    return Death.INFORMAL if patient.get("deceasedDateTime") else Death.NONE


def _held(patient: Resource, number: str, security: Security) -> dict[str, Any]:
    """What may be held of a Patient: nothing of a withdrawn one but the number, no whereabouts of a restricted one."""
    kept = _KEPT if security is Security.UNRESTRICTED else _KEPT_RESTRICTED
    kept = _KEPT_WITHDRAWN if security is Security.INVALIDATED else kept
    held = {name: value for name, value in patient.items() if name in kept}
    if security is not Security.UNRESTRICTED and "extension" in held:
        held["extension"] = [one for one in held["extension"] if one["url"].endswith(_DEATH_STATUS)]
    meta = {name: patient["meta"][name] for name in ("versionId", "security") if name in patient["meta"]}
    return held | {"id": number, "meta": meta}
