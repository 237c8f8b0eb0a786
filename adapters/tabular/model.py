"""A column map: its keys, its strict loader, its faults."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Final = frozenset(
    {
        "record_id",
        "person_id",
        "organisation",
        "nhs_number",
        "nhs_number_status",
        "family",
        "given",
        "birth_date",
        "death_date",
        "gender",
        "ethnicity",
        "address_line1",
        "address_line2",
        "address_line3",
        "town",
        "county",
        "postcode",
        "phone",
        "email",
        "gp_practice",
        "start",
        "end",
        "type",
        "reason",
    }
)
"""What a column can be. ``record_id``, ``person_id`` and ``start`` are needed."""
NEEDED: Final = frozenset({"record_id", "person_id", "start"})
RESOURCES: Final = ("encounter", "episode")
DATES: Final = ("iso", "uk", "hl7")
CLASSES: Final = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "HH": "home health",
    "IMP": "inpatient encounter",
    "VR": "virtual",
}
GENDERS: Final = frozenset({"male", "female", "other", "unknown"})
SECTIONS: Final = frozenset({"encounters", "admissions", "consultations", "care-services", "care-assessments"})

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}")
_KEYS = frozenset(
    {
        "map",
        "title",
        "organisation",
        "delimiter",
        "resource",
        "class",
        "section",
        "dates",
        "columns",
        "gender",
        "ignore",
    }
)
_REQUIRED_KEYS = ("map", "resource", "section", "dates", "columns")


class MapFault(ValueError):
    """A map that cannot be used: where in it (``path``, and ``line`` where known) and by which rule."""

    def __init__(self, path: str, rule: str, message: str, *, line: int = 0) -> None:
        where = f"{path}, line {line}" if line else path
        super().__init__(f"{where}: {message} [{rule}]")
        self.path = path
        self.rule = rule
        self.line = line


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """A checked map. ``columns`` gives each field its column; ``organisation`` is the sender where no column is."""

    name: str
    title: str
    organisation: str
    delimiter: str
    resource: str
    encounter_class: str
    section: str
    dates: str
    columns: Mapping[str, str]
    gender: Mapping[str, str]
    ignore: frozenset[str]


def load_map(text: str) -> ColumnMap:
    """Read a map from YAML 1.2.

    Raises:
        MapFault: not YAML, a key twice, unknown or missing, or a value outside its list.
    """
    held = _yaml(text)
    for key in held:
        if key not in _KEYS:
            raise MapFault(
                key[:80], "unknown-key", f"not a key of a column map; the keys are {', '.join(sorted(_KEYS))}"
            )
    for key in _REQUIRED_KEYS:
        if key not in held:
            raise MapFault(key, "missing-key", "a column map needs this key")
    columns = _texts(held, "columns")
    _check_columns(columns, held)
    gender = _texts(held, "gender")
    for code, meaning in gender.items():
        if meaning not in GENDERS:
            raise MapFault(f"gender.{code}", "unknown-value", f"must be one of {', '.join(sorted(GENDERS))}")
    resource = _one_of(held, "resource", RESOURCES)
    return ColumnMap(
        name=_named(held),
        title=_text(held, "title"),
        organisation=_text(held, "organisation").upper(),
        delimiter=_delimiter(held),
        resource=resource,
        encounter_class=_one_of(held, "class", CLASSES) if resource == "encounter" else "",
        section=_one_of(held, "section", SECTIONS),
        dates=_one_of(held, "dates", DATES),
        columns=columns,
        gender={code.casefold(): meaning for code, meaning in gender.items()},
        ignore=_ignored(held),
    )


def _yaml(text: str) -> dict[str, Any]:
    try:
        held = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 0
        raise MapFault("map", "not-yaml", "cannot be read as YAML, or has a key twice", line=line) from fault
    except (YAMLError, ValueError) as fault:
        raise MapFault("map", "not-yaml", "cannot be read as YAML") from fault
    if not isinstance(held, dict) or not all(isinstance(key, str) for key in held):
        raise MapFault("map", "not-a-mapping", "a column map is a list of keys and values")
    return held


def _text(held: dict[str, Any], key: str) -> str:
    value = held.get(key, "")
    if not isinstance(value, str):
        raise MapFault(key, "not-a-text", "must be a text (put numbers in quotes)")
    return value


def _texts(held: dict[str, Any], key: str) -> dict[str, str]:
    value = held.get(key, {})
    if not isinstance(value, dict):
        raise MapFault(key, "not-a-mapping", "must be keys and values")
    for name, part in value.items():
        if not isinstance(name, str) or not isinstance(part, str) or not part:
            raise MapFault(f"{key}.{str(name)[:80]}", "not-a-text", "must be a text (put numbers in quotes)")
    return value


def _one_of(held: dict[str, Any], key: str, allowed: Mapping[str, str] | tuple[str, ...] | frozenset[str]) -> str:
    value = _text(held, key)
    if value not in allowed:
        raise MapFault(key, "unknown-value", f"must be one of {', '.join(sorted(allowed))}")
    return value


def _named(held: dict[str, Any]) -> str:
    name = _text(held, "map")
    if not _NAME.fullmatch(name):
        raise MapFault("map", "bad-name", "a map's name is lower-case letters, digits and hyphens")
    return name


def _delimiter(held: dict[str, Any]) -> str:
    delimiter = _text(held, "delimiter") or ","
    if delimiter not in {",", ";", "|", "\t"}:
        raise MapFault("delimiter", "unknown-value", "must be a comma, semicolon, bar or tab")
    return delimiter


def _check_columns(columns: dict[str, str], held: dict[str, Any]) -> None:
    for field in columns:
        if field not in FIELDS:
            raise MapFault(f"columns.{field[:80]}", "unknown-field", f"not one of {', '.join(sorted(FIELDS))}")
    for field in sorted(NEEDED - columns.keys()):
        raise MapFault(f"columns.{field}", "missing-field", "a column map needs this field")
    if "organisation" not in columns and not _text(held, "organisation"):
        raise MapFault("organisation", "missing-key", "say who sends, here or by a column")
    if len(set(columns.values())) != len(columns):
        raise MapFault("columns", "column-twice", "one column is given to two fields")


def _ignored(held: dict[str, Any]) -> frozenset[str]:
    value = held.get("ignore", [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise MapFault("ignore", "not-a-list", "must be a list of column names")
    return frozenset(value)
