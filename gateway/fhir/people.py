"""The search parameters of IHE PDQm (ITI-78), read into a search of the index.

FHIR search: repeated parameters are all to hold, of values parted by commas any may. Texts are found by how they
begin, whatever the case and the accents; ``:exact`` wants them letter for letter. A parameter that is not supported
is left out, and the self link does not name it, unless ``Prefer: handling=strict`` asks for a refusal.

A search names a person (``_id``, ``identifier``), or a family name and a birth date: less is fishing.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final
from unicodedata import normalize

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.systems import NHS_NUMBER
from gateway.errors import InputError, NotFound
from gateway.services.tracing.fitting import MOST
from gateway.services.tracing.likeness import WILD, PatientQuery
from gateway.services.tracing.people import Sought
from ig.purpose import Element
from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.normalise import fold
from linkage.person import Gender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Resource = dict[str, Any]
    Keeps = Callable[[Resource], bool]

Text = Annotated[str, Field(min_length=1, max_length=255)]
Once = Annotated[tuple[Text, ...], Field(max_length=1)]
Some = Annotated[tuple[Text, ...], Field(max_length=4)]
_MOST_WAYS: Final = 32
_COMMA: Final = re.compile(r"(?<!\\),")
_BAR: Final = re.compile(r"(?<!\\)\|")
_ESCAPED: Final = re.compile(r"\\([\\,|$])")
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_DATE: Final = re.compile(r"(eq|ge|le|gt|lt|sa|eb)?(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_LETTERS: Final = 2
_NAME: Final = re.compile(r"[A-Za-z_:.-]{1,40}", re.ASCII)


class TooBroad(InputError):
    """Too little was sent to look anybody up by."""

    fhir_code: ClassVar[str] = "too-costly"
    staff_sentence: ClassVar[str] = "Add details: a family name and a date of birth, or an identifier."


class UnknownDomain(NotFound):
    """An identifier domain was asked for that is not given out here."""

    def __init__(self) -> None:
        super().__init__("targetSystem not found", reason="identifier-domain")


class PeopleParameters(BaseModel):
    """One PDQm search, each parameter as often as it was sent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Annotated[Once, Field(alias="_id")] = ()
    active: Once = ()
    address: Some = ()
    address_exact: Annotated[Some, Field(alias="address:exact")] = ()
    city: Annotated[Some, Field(alias="address-city")] = ()
    city_exact: Annotated[Some, Field(alias="address-city:exact")] = ()
    postalcode: Annotated[Once, Field(alias="address-postalcode")] = ()
    postalcode_exact: Annotated[Once, Field(alias="address-postalcode:exact")] = ()
    birthdate: Annotated[tuple[Text, ...], Field(max_length=2)] = ()
    email: Once = ()
    family: Once = ()
    family_exact: Annotated[Once, Field(alias="family:exact")] = ()
    gender: Once = ()
    given: Some = ()
    given_exact: Annotated[Some, Field(alias="given:exact")] = ()
    identifier: Some = ()
    phone: Once = ()
    telecom: Once = ()
    count: Annotated[Once, Field(alias="_count")] = ()
    format: Annotated[Once, Field(alias="_format")] = ()


_FIELDS: Final = {field.alias or name: name for name, field in PeopleParameters.model_fields.items()}


@dataclass(frozen=True, slots=True)
class PeopleSearch:
    """A search, read: what is sought, the parameters it was read from, and how many were left out."""

    sought: Sought
    used: tuple[tuple[str, str], ...]
    left_out: int


def read_people_search(sent: Mapping[str, Sequence[str]], *, strict: bool = False) -> PeopleSearch:
    """Return the search that ``sent`` (each parameter with all its values) asks for.

    Raises:
        TooBroad: it names neither a person, nor a family name and a birth date.
        UnknownDomain: identifiers of a domain are wanted that is not given out here.
        InputError: a value is none of its type, or, where ``strict``, a parameter is not supported.
    """
    known = {name: values for name, values in sent.items() if name in _FIELDS}
    left_out = [name for name in sent if name not in _FIELDS]
    if strict and left_out:
        named = left_out[0] if _NAME.fullmatch(left_out[0]) else ""
        raise InputError(f"{named or 'a parameter'}: not supported", reason="unsupported-parameter", field=named)
    wanted = _read(known)
    sought = _sought(wanted)
    used = tuple((name, value) for name, values in known.items() for value in values)
    return PeopleSearch(sought, used, len(left_out))


def _read(sent: Mapping[str, Sequence[str]]) -> PeopleParameters:
    try:
        return PeopleParameters.model_validate({name: tuple(values) for name, values in sent.items()})
    except ValidationError as faults:
        name = str(faults.errors(include_url=False, include_input=False)[0]["loc"][0])
        words = f"{name}: sent too often, empty or too long"
        raise InputError(words, reason="parameter", field=name) from None


def _sought(wanted: PeopleParameters) -> Sought:
    numbers = _numbers(wanted.identifier)
    queries = _queries(wanted)
    person = wanted.id[0] if wanted.id else ""
    if person and not _ID.fullmatch(person):
        raise InputError("_id: not an id", reason="id", field="_id")
    named = bool(person or wanted.identifier)
    if not named and not all(query.family and query.birthdate for query in queries or [PatientQuery()]):
        raise TooBroad("family and birthdate, identifier or _id is needed", reason="too-broad", field="family")
    keeps, uses = _filters(wanted)
    nobody = numbers is not None and not numbers
    return Sought(
        queries=() if nobody else tuple(queries),
        person="" if nobody else person,
        numbers=numbers or (),
        uses=uses | ({Element.NHS_NUMBER} if nobody else frozenset()),
        keeps=lambda patient: all(keep(patient) for keep in keeps),
        most=_count(wanted),
    )


# --- by what people are looked up --------------------------------------------------------------------------------


def _queries(wanted: PeopleParameters) -> list[PatientQuery]:
    """Every way in which the parameters can be met: one query for each choice among values of which any may hold."""
    base = PatientQuery(history=True, as_fhir=True)
    families = _any("family", wanted.family or wanted.family_exact, letters=True)
    forenames = [_any("given", [each]) for each in (*wanted.given, *wanted.given_exact)]
    dates = [[_days(one) for one in _any("birthdate", [each])] for each in wanted.birthdate]
    choices: list[list[dict[str, Any]]] = [
        [{"family": one} for one in families],
        [{"given": each} for each in product(*forenames)] if forenames else [],
        [{"birthdate": sum(each, ())} for each in product(*dates)] if dates else [],
        [{"gender": one} for one in _any("gender", map(_token, wanted.gender))],
        [{"postcode": one} for one in _any("address-postalcode", wanted.postalcode or wanted.postalcode_exact)],
        [_reached(one) for one in _any("telecom", wanted.telecom)],
        [{"phone": one} for one in _any("phone", map(_token, wanted.phone))],
        [{"email": one} for one in _any("email", map(_token, wanted.email))],
    ]
    sent = [choice for choice in choices if choice]
    ways = list(product(*sent)) if sent else []
    if len(ways) > _MOST_WAYS:
        raise InputError(f"at most {_MOST_WAYS} combinations of values", reason="too-many", field="family")
    return [_checked(replace(base, **{name: value for part in way for name, value in part.items()})) for way in ways]


def _checked(query: PatientQuery) -> PatientQuery:
    if query.gender and query.gender not in set(Gender):
        raise InputError(f"gender: not one of {', '.join(Gender)}", reason="unknown-code", field="gender")
    return query


def _any(name: str, values: Iterable[str], *, letters: bool = False) -> list[str]:
    """The values of a parameter of which any may hold, unescaped."""
    found = [_ESCAPED.sub(r"\1", part).strip() for value in values for part in _COMMA.split(value)]
    if any(not one or WILD in one for one in found):
        raise InputError(f"{name}: an empty value, or a wildcard", reason="parameter", field=name)
    if letters and any(len(fold(one)) < _LETTERS for one in found):
        raise InputError(f"{name}: at least {_LETTERS} letters", reason="too-short", field=name)
    return found


def _token(value: str) -> str:
    """The code of a token, whatever system it names."""
    return _BAR.split(value, maxsplit=1)[-1]


def _reached(value: str) -> dict[str, str]:
    *system, contact = _BAR.split(value, maxsplit=1)
    by_mail = system == ["email"] or (not system and "@" in contact)
    return {"email" if by_mail else "phone": contact}


def _days(value: str) -> tuple[str, ...]:
    """Read a FHIR date, as precise as it is, as the days it allows."""
    found = _DATE.fullmatch(value)
    prefix, year, month, day = found.groups() if found else ("", "0", None, None)
    one = timedelta(days=1)
    try:
        first = date(int(year), int(month or 1), int(day or 1))
        last = date(first.year, int(month or 12), int(day or monthrange(first.year, int(month or 12))[1]))
        return {
            "ge": (f"ge{first}",),
            "gt": (f"ge{last + one}",),
            "sa": (f"ge{last + one}",),
            "le": (f"le{last}",),
            "lt": (f"le{first - one}",),
            "eb": (f"le{first - one}",),
        }.get(prefix, (f"ge{first}", f"le{last}"))
    except (ValueError, OverflowError):
        raise InputError("birthdate: not a date of this form", reason="date", field="birthdate") from None


def _numbers(sent: tuple[str, ...]) -> tuple[NhsNumber, ...] | None:
    """The NHS numbers that may be meant, none where an identifier can be nobody's, None where there was no limit."""
    meant: set[NhsNumber] | None = None
    for each in sent:
        tokens = [_BAR.split(one, maxsplit=1) for one in _COMMA.split(each)]
        domains = [token[0] for token in tokens if len(token) > 1 and not token[1]]
        if domains:
            if NHS_NUMBER not in domains or len(domains) < len(tokens):
                raise UnknownDomain
            continue
        found = {number for token in tokens if (number := _number(token)) is not None}
        meant = found if meant is None else meant & found
    return None if meant is None else tuple(sorted(meant))


def _number(token: list[str]) -> NhsNumber | None:
    *system, value = token
    if system not in ([], [""], [NHS_NUMBER]):
        return None
    try:
        return NhsNumber.parse(value)
    except NotAnNhsNumber:
        return None


# --- what is looked at once somebody is shown ------------------------------------------------------------------------


def _filters(wanted: PeopleParameters) -> tuple[list[Keeps], frozenset[str]]:
    """What a Patient must show besides, and which elements that looks at."""
    keeps: list[Keeps] = []
    uses: set[str] = set()
    exact = (
        (wanted.family_exact, _families, Element.NAME),
        (wanted.given_exact, _forenames, Element.NAME),
        (wanted.postalcode_exact, _postcodes, Element.ADDRESS),
        (wanted.address_exact, _address_parts, Element.ADDRESS),
        (wanted.city_exact, _address_parts, Element.ADDRESS),
    )
    begins = (
        (wanted.address, _address_parts, Element.ADDRESS),
        (wanted.city, _address_parts, Element.ADDRESS),
    )
    for sent, parts, element in exact:
        keeps += [_equals(parts, _any("", [each])) for each in sent]
        uses |= {element} if sent else set()
    for sent, parts, element in begins:
        keeps += [_begins(parts, _any("", [each])) for each in sent]
        uses |= {element} if sent else set()
    if wanted.active:
        keeps.append(_is_active(_token(wanted.active[0])))
    return keeps, frozenset(uses)


def _equals(parts: Callable[[Resource], Iterable[str]], values: list[str]) -> Keeps:
    return lambda patient: not set(values).isdisjoint(parts(patient))


def _begins(parts: Callable[[Resource], Iterable[str]], values: list[str]) -> Keeps:
    wanted = [plain for value in values if (plain := _plain(value))]
    return lambda patient: any(_plain(part).startswith(value) for part in parts(patient) for value in wanted)


def _plain(text: str) -> str:
    """A line of an address without case, accents, spaces and points; its digits stay, which a name's would not."""
    return "".join(one for one in normalize("NFKD", text).casefold() if one.isalnum())


def _is_active(value: str) -> Keeps:
    if value not in {"true", "false"}:
        raise InputError("active: true or false", reason="unknown-code", field="active")
    return lambda patient: patient.get("active") is (value == "true")


def _families(patient: Resource) -> list[str]:
    return [name["family"] for name in patient.get("name", ()) if "family" in name]


def _forenames(patient: Resource) -> list[str]:
    return [given for name in patient.get("name", ()) for given in name.get("given", ())]


def _postcodes(patient: Resource) -> list[str]:
    return [place["postalCode"] for place in patient.get("address", ()) if "postalCode" in place]


def _address_parts(patient: Resource) -> list[str]:
    places = patient.get("address", ())
    named = [place[part] for place in places for part in ("city", "district", "text") if part in place]
    return [*named, *_postcodes(patient), *(line for place in places for line in place.get("line", ()))]


def _count(wanted: PeopleParameters) -> int:
    sent = wanted.count[0] if wanted.count else str(MOST)
    # str.isdecimal alone would read other scripts' digits
    if not (sent.isascii() and sent.isdecimal() and len(sent) <= 9):  # noqa: PLR2004 - any number of people
        raise InputError("_count: a whole number", reason="count", field="_count")
    return min(int(sent), MOST)
