"""The search parameters of PDS, read as strictly as PDS reads them and refused in its order and words.

Rules and order of checks: the PDS FHIR API specification (search parameters) and its public sandbox: no parameter,
an unknown one, a date's form, a missing date of birth, a missing family name. Diagnostics repeat what the caller sent,
to that caller alone, because existing clients read them; they go into no log.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.errors import InputError
from gateway.services.tracing.fitting import FUZZY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPEATABLE: Final = {"given": 5, "birthdate": 2, "death-date": 2}
"""How often a parameter may be sent that may be sent again."""
_DATE: Final = re.compile(r"(?:eq|ge|le)?(\d{4}-\d{2}-\d{2})", re.ASCII)
_MINIMUM: Final = "No searches were performed as the search criteria did not meet the minimum requirements"
_NO_BIRTH_DATE: Final = "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'"
_SHOWN: Final = 100


def _a_date(text: str) -> str:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("not a date")
    date.fromisoformat(found[1])
    return text


def _a_flag(text: object) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("true or false")
    return text == "true"


def _a_count(text: object) -> int:
    # str.isdecimal alone would read other scripts' digits
    if not (isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 3):  # noqa: PLR2004 - 50 is the most
        raise ValueError("a whole number")
    return int(text)


Text = Annotated[str, Field(min_length=1, max_length=255)]
Name = Annotated[str, Field(min_length=1, max_length=35)]
Day = Annotated[str, AfterValidator(_a_date), Field(examples=["eq2010-10-22"])]
Flag = Annotated[bool, BeforeValidator(_a_flag)]
Postcode = Annotated[str, Field(min_length=1, max_length=10)]


class SearchParameters(BaseModel):
    """One PDS patient search, as sent. Field names are the parameters' own."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    family: Name = ""
    given: Annotated[tuple[Name, ...], Field(max_length=REPEATABLE["given"])] = ()
    gender: Literal["", "male", "female", "other", "unknown"] = ""
    birthdate: Annotated[tuple[Day, ...], Field(max_length=REPEATABLE["birthdate"])] = ()
    death_date: Annotated[tuple[Day, ...], Field(max_length=REPEATABLE["death-date"], alias="death-date")] = ()
    postalcode: Annotated[Postcode, Field(alias="address-postalcode")] = ""
    postcode: Annotated[Postcode, Field(alias="address-postcode")] = ""
    general_practitioner: Annotated[Text, Field(alias="general-practitioner")] = ""
    email: Text = ""
    phone: Text = ""
    fuzzy: Annotated[Flag, Field(alias="_fuzzy-match")] = False
    exact: Annotated[Flag, Field(alias="_exact-match")] = False
    history: Annotated[Flag, Field(alias="_history")] = False
    max_results: Annotated[int | None, BeforeValidator(_a_count), Field(alias="_max-results", ge=1, le=50)] = None


NAMES: Final = tuple(field.alias or name for name, field in SearchParameters.model_fields.items())


def read_search(sent: Mapping[str, Sequence[str]]) -> SearchParameters:
    """Return the search that ``sent`` (each parameter with all its values) asks for.

    Raises:
        InputError: the first rule broken, in the order of PDS; ``reason`` is the Spine code.
    """
    if not sent:
        raise InputError("no search parameter was sent", reason="UNSUPPORTED_SERVICE")
    _check_known(sent)
    search = _read(sent)
    _check_minimum(search)
    return search


def _check_known(sent: Mapping[str, Sequence[str]]) -> None:
    unknown = [name for name in sent if name not in NAMES]
    if unknown:
        listed = ", ".join(f"'{name[:_SHOWN]}'" for name in unknown[:5])
        verb = "was" if len(unknown) == 1 else "were"
        text = f"Invalid request with error - Additional properties are not allowed ({listed} {verb} unexpected)"
        raise InputError(text, reason="ADDITIONAL_PROPERTIES", field="query")
    for name, values in sent.items():
        if len(values) > REPEATABLE.get(name, 1):
            text = f"Invalid request with error - '{name}' was sent {len(values)} times"
            raise InputError(text, reason="TOO_MANY_VALUES_SUBMITTED", field=name)


def _read(sent: Mapping[str, Sequence[str]]) -> SearchParameters:
    given: dict[str, Any] = {name: tuple(values) if name in REPEATABLE else values[0] for name, values in sent.items()}
    try:
        return SearchParameters(**given)
    except ValidationError as faults:
        raise _invalid(sent, faults) from None


def _invalid(sent: Mapping[str, Sequence[str]], faults: ValidationError) -> InputError:
    """Name the first fault; dates come first, as in PDS."""
    found = [fault["loc"] for fault in faults.errors(include_url=False, include_input=False)]
    where = next((loc for loc in found if str(loc[0]).endswith("date")), found[0])
    name = str(where[0])
    values = sent[name]
    at = where[1] if len(where) > 1 and isinstance(where[1], int) else 0
    text = f"Invalid value - '{values[at][:_SHOWN]}' in field '{name}'"
    return InputError(text, reason="INVALID_VALUE", field=name)


def _check_minimum(search: SearchParameters) -> None:
    """Is there enough to search with? (PDS: minimum search parameters)."""
    if not search.birthdate:
        raise InputError(_NO_BIRTH_DATE, reason="MISSING_VALUE", field="birthdate")
    if search.fuzzy and not _fuzzy_enough(search):
        raise InputError(f"Invalid search data provided - '{FUZZY}'", reason="INVALID_SEARCH_DATA")
    if not (search.fuzzy or search.family) or not _wildcards_allowed(search):
        raise InputError(f"Invalid search data provided - '{_MINIMUM}'", reason="INVALID_SEARCH_DATA")
    if search.postalcode and search.postcode:
        both = "Invalid search data provided - 'address-postcode and address-postalcode were both sent'"
        raise InputError(both, reason="INVALID_SEARCH_DATA", field="address-postcode")


def _fuzzy_enough(search: SearchParameters) -> bool:
    """A fuzzy search has no wildcards, and two names, or one of them with gender and postcode."""
    if any("*" in value for value in _wildcard_places(search)):
        return False
    if search.family and search.given:
        return True
    name = search.family or search.given
    return bool(name and search.gender and (search.postalcode or search.postcode))


def _wildcards_allowed(search: SearchParameters) -> bool:
    return not any("*" in value[:2] for value in _wildcard_places(search))


def _wildcard_places(search: SearchParameters) -> tuple[str, ...]:
    return search.family, *search.given, search.postalcode, search.postcode
