"""YAML 1.2 as agreements may use it: one document of maps, lists, texts, whole numbers, booleans and dates.

What another reader could take for something else is refused with its line, never guessed: duplicate keys, anchors,
aliases, tags, merge keys, several documents, ``NO`` and ``on``, ``011``, ``0E1``, ``1.5``, ``12:30``, and codes without
quotation marks (``design/ig.md`` 1.2 rule 6). Dates stay text here; the schema and the builder read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | bool | None"

LONGEST_TEXT = 1_000_000
"""Characters. The largest agreement we know has under 100,000."""

_DEEPEST = 16
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# What YAML 1.1, YAML 1.2 or a spreadsheet would turn into a number, a time or a truth value.
_AMBIGUOUS = re.compile(r"(?i)[-+.]?[0-9][0-9a-fox_.:+-]*|y|n|yes|no|on|off|true|false|null|~|[-+]?\.(inf|nan)")
_CODE_KEYS = frozenset({"ods", "organisations"})


class AgreementFault(ValueError):
    """A text that is no agreement: where it stops being one (line from 1, path) and by which rule."""

    def __init__(self, line: int, path: str, rule: str, message: str) -> None:
        super().__init__(f"line {line}, {path or 'the document'}: {message} ({rule})")
        self.line = line
        self.path = path
        self.rule = rule


@dataclass(slots=True)
class Document:
    """The plain values of a text, and the line (from 1) on which each path, such as ``grants[0].roles``, stands."""

    value: Value = None
    lines: dict[str, int] = field(default_factory=dict)


def read(text: str) -> Document:
    """Read one strict YAML document.

    Raises:
        AgreementFault: at the first thing that is not allowed.
    """
    if len(text) > LONGEST_TEXT:
        raise AgreementFault(1, "", "too-long", f"an agreement has at most {LONGEST_TEXT} characters")
    document = Document()
    events = _events(text)
    for event in events:
        if isinstance(event, DocumentStartEvent):
            break
    else:
        raise AgreementFault(1, "", "empty", "there is nothing here")
    document.value = _Reader(events, document.lines).value(next(events), "", 0)
    for event in events:
        if not isinstance(event, DocumentEndEvent | StreamEndEvent):
            raise AgreementFault(_line(event), "", "several-documents", "an agreement is one document")
    return document


def _events(text: str) -> Iterator[Event]:
    """The parser's events, with its own complaints turned into ours."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        raise AgreementFault(line, "", "not-yaml", f"{fault.problem or 'this is not YAML'}") from None
    except YAMLError as fault:  # characters that YAML does not allow; they come with a position and no line
        line = text.count("\n", 0, getattr(fault, "position", 0)) + 1
        raise AgreementFault(line, "", "not-yaml", "a character here is not allowed in YAML") from None


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds plain values out of events, noting lines as it goes."""

    events: Iterator[Event]
    lines: dict[str, int]

    def value(self, event: Event, path: str, depth: int) -> Value:
        self.lines.setdefault(path, _line(event))
        if not isinstance(event, MappingStartEvent | SequenceStartEvent | ScalarEvent) or event.anchor is not None:
            raise self._fault(path, "anchor", "anchors and aliases are not allowed: write it out")
        if event.tag is not None:
            raise self._fault(path, "tag", "tags are not allowed")
        if depth > _DEEPEST:
            raise self._fault(path, "too-deep", "nested too deeply")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path, depth)
        return self._scalar(event, path)

    def _mapping(self, path: str, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(key_event := next(self.events), MappingEndEvent):
            here = f"{path}.?".lstrip(".")
            self.lines[here] = _line(key_event)
            key = self.value(key_event, here, depth + 1)
            if not isinstance(key, str) or not key or key == "<<":
                raise self._fault(here, "key", "a key is a plain text")
            # a value, or a block of them, may begin a line later; the key is where people look
            self.lines[named := f"{path}.{key}".lstrip(".")] = self.lines.pop(here)
            if key in found:
                raise self._fault(named, "duplicate-key", "the key is already there")
            found[key] = self.value(next(self.events), named, depth + 1)
        return found

    def _sequence(self, path: str, depth: int) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            found.append(self.value(event, f"{path}[{len(found)}]", depth + 1))
        return found

    def _scalar(self, event: ScalarEvent, path: str) -> str | int | bool | None:
        text = str(event.value)
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise self._fault(path, "not-yaml", "half a surrogate pair is no text")
        if event.style is not None:
            return text
        if re.sub(r"\[\d+\]$", "", path).rpartition(".")[2] in _CODE_KEYS:
            raise self._fault(path, "unquoted-code", "organisation codes stand in quotation marks")
        if text in ("true", "false"):
            return text == "true"
        if text == "null":
            return None
        if _WHOLE.fullmatch(text):
            return int(text)
        if text == "" or (_AMBIGUOUS.fullmatch(text) and not _DATE.fullmatch(text)):
            raise self._fault(path, "ambiguous", "put quotation marks round it, or write a whole number, true or false")
        return text

    def _fault(self, path: str, rule: str, message: str) -> AgreementFault:
        return AgreementFault(self.lines[path], path, rule, message)
