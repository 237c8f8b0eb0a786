"""What a PDS search asks of a person, whether it holds, and how nearly: the score of a search that is not fuzzy.

Rules: the PDS FHIR API specification (search parameters, wildcards, history). Its formula is not published. Ours keeps
what clients rely on: four decimals, 1 only where every parameter equals what is held today, less for a wildcard the
less of the value was typed, and less again where only an earlier name, address or contact agrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError
from linkage.normalise import fold, fold_postcode, normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkage.person import PartialDate, Person

SHARES: Final = {
    "family": 4,
    "given": 3,
    "birthdate": 4,
    "death-date": 2,
    "postcode": 3,
    "gender": 1,
    "general-practitioner": 1,
    "phone": 3,
    "email": 3,
}
"""How much each parameter counts for, in the order of what our own model lets it weigh."""
TODAY: Final = 1.0
EARLIER: Final = 0.5
NEARLY: Final = 0.9999
WILD: Final = "*"
_PREFIX: Final = 2


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """A search, values as sent. Dates carry their prefix (``eq``, ``ge``, ``le`` or none).

    To PDS the first of ``given`` is the first forename, and names and postcodes are whole but for a wildcard. With
    ``as_fhir`` each of ``given`` may be any forename, and a name or postcode is found by how it begins.
    """

    family: str = ""
    given: tuple[str, ...] = ()
    gender: str = ""
    birthdate: tuple[str, ...] = ()
    death_date: tuple[str, ...] = ()
    postcode: str = ""
    gp: str = ""
    phone: str = ""
    email: str = ""
    exact: bool = False
    fuzzy: bool = False
    history: bool = False
    as_fhir: bool = False
    max_results: int | None = None


def likeness(held: Person, query: PatientQuery) -> float:
    """Return the score of a person for whom every parameter holds, to four decimals, or 0 where one does not.

    It is the mean of what each parameter comes to (1 as held today; half and half of the share typed for a wildcard;
    half for an earlier value), weighted by `SHARES`; below 1 it ends at 0.9999.
    """
    found = dict(_parameters(held, query))
    if not all(found.values()):
        return 0
    mean = sum(SHARES[name] * value for name, value in found.items()) / sum(SHARES[name] for name in found)
    return 1 if min(found.values()) >= TODAY else min(round(mean, 4), NEARLY)


def day_range(name: str, dates: tuple[str, ...]) -> tuple[date, date]:
    """Return the first and the last day that a date parameter allows.

    Raises:
        InputError: one of its values is no day; the parameter is named.
    """
    low, high = date(1850, 1, 1), date(2200, 1, 1)
    for text in dates:
        try:
            day = date.fromisoformat(text[_PREFIX:] if text[:_PREFIX] in ("eq", "ge", "le") else text)
        except ValueError:
            raise InputError(f"{name}: no such day", reason="INVALID_VALUE", field=name) from None
        low = max(low, day) if text[:_PREFIX] != "le" else low
        high = min(high, day) if text[:_PREFIX] != "ge" else high
    return low, high


def within(name: str, dates: tuple[str, ...], held: PartialDate | None) -> bool:
    """Whether a whole date that is held lies in the range that was asked for."""
    low, high = day_range(name, dates)
    return held is not None and held.is_whole and low <= date(held.year, held.month, held.day) <= high


def _parameters(held: Person, query: PatientQuery) -> Iterator[tuple[str, float]]:
    """Each parameter that was sent, with what it comes to; 0 where it does not hold."""
    earlier = query.history
    if query.family:
        yield "family", _alike(query, query.family, [held.family], held.previous_family if earlier else ())
    if query.given:
        yield "given", _given(held, query)
    if query.birthdate:
        yield "birthdate", float(within("birthdate", query.birthdate, held.birth_date))
    if query.death_date:
        yield "death-date", float(within("death-date", query.death_date, held.death_date))
    if query.postcode:
        yield "postcode", _postcode(held, query)
    if query.gender:
        yield "gender", float(query.gender == held.gender.value)
    if query.gp:
        yield "general-practitioner", float(query.gp.upper() == held.gp_practice)
    told = _contacts(query.phone, query.email)
    if query.phone:
        yield "phone", float(bool(set(told.phone) & set(held.phone)))
    if query.email:
        yield "email", float(bool(set(told.email) & set(held.email)))


def _given(held: Person, query: PatientQuery) -> float:
    """The first forename stands for the first only; each further one for any of the others."""
    first, *others = query.given
    if query.as_fhir:
        found = [_alike(query, name, (held.given, *held.other_given)) for name in query.given]
    else:
        found = [_alike(query, first, [held.given]), *(_alike(query, name, held.other_given) for name in others)]
    return sum(found) / len(found) if all(found) else 0


def _postcode(held: Person, query: PatientQuery) -> float:
    earlier = held.previous_postcode if query.history else ()
    pattern = query.postcode.replace(" ", "").upper()
    if WILD in pattern:
        return _best((_wild(pattern, value) for value in [held.postcode]), (_wild(pattern, value) for value in earlier))
    if query.as_fhir:
        return _begun(pattern, [held.postcode], earlier)
    return _equal(fold_postcode(query.postcode), [held.postcode], earlier)


def _alike(query: PatientQuery, asked: str, today: Iterable[str], earlier: Iterable[str] = ()) -> float:
    if WILD in asked:
        pattern = WILD.join(fold(part) for part in asked.split(WILD))
        return _best((_wild(pattern, value) for value in today), (_wild(pattern, value) for value in earlier))
    if query.as_fhir:
        return _begun(fold(asked), today, earlier)
    return _equal(fold(asked), today, earlier)


def _begun(asked: str, today: Iterable[str], earlier: Iterable[str]) -> float:
    """How much of a value was typed, where it begins so: all of it is 1, less of it as for a wildcard."""
    if not asked:
        return 0
    return _best((_share(asked, value) for value in today), (_share(asked, value) for value in earlier))


def _share(asked: str, value: str) -> float:
    if asked == value:
        return TODAY
    return 0.5 + 0.5 * len(asked) / (len(value) + 1) if value.startswith(asked) else 0


def _equal(asked: str, today: Iterable[str], earlier: Iterable[str]) -> float:
    if not asked:
        return 0  # what folds to nothing agrees with nothing, least of all with nothing held
    return _best((float(asked == value) for value in today), (float(asked == value) for value in earlier))


def _best(today: Iterable[float], earlier: Iterable[float]) -> float:
    return max([0.0, *today, *(EARLIER * value for value in earlier)])


def _wild(pattern: str, value: str) -> float:
    """Half for fitting the pattern, and the share of the value that was typed for the other half."""
    if WILD in pattern[:_PREFIX] or not _compiled(pattern).fullmatch(value):
        return 0
    return 0.5 + 0.5 * (len(pattern) - pattern.count(WILD)) / (len(value) + 1)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # only the star is wild: a question mark or a bracket stands for itself
    return re.compile(".*".join(re.escape(part) for part in pattern.split(WILD)))


@lru_cache(maxsize=256)
def _contacts(phone: str, email: str) -> Person:
    return normalise(Demographics(phone=(phone,), email=(email,)))
