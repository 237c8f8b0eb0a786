"""Demographics behind the cells of a trace request, and requests made of demographics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from adapters.spine.trace_columns import GENDERS, iso_date
from adapters.spine.tracing import Request
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODES: Final = {gender: code for code, gender in GENDERS.items()}
_TEN_DIGITS: Final = re.compile(r"\d{10}", re.ASCII)
_MOBILE: Final = re.compile(r"(?:\+44|0044|0)7")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINES: Final = 5


def demographics_of(request: Request) -> Demographics:
    """Give what a request says of somebody. A time of birth is left off, blank address lines too.

    An alternative given name (DBS) counts among the other given names.

    Raises:
        BadField: a date is none; requests that a reader of ours gave have none such.
    """
    return Demographics(
        nhs_number=request.nhs_number.strip(),
        family=request.family.strip(),
        given=request.given.strip(),
        other_given=(*request.other_given.split(), *_one(request.previous_given)),
        previous_family=_one(request.previous_family),
        birth_date=iso_date(request.birth_date, "birth_date"),
        gender=GENDERS.get(request.gender.strip(), ""),
        postcode=request.postcode.strip(),
        previous_postcode=_one(request.previous_postcode),
        address=_given(
            request.address_line1,
            request.address_line2,
            request.address_line3,
            request.address_line4,
            request.address_line5,
        ),
        phone=_given(request.telephone, request.mobile),
        email=_one(request.email),
        gp_practice=request.gp_practice.strip().upper(),
        death_date=iso_date(request.death_date, "death_date"),
    )


def _one(cell: str) -> tuple[str, ...]:
    return (text,) if (text := cell.strip()) else ()


def _given(*cells: str) -> tuple[str, ...]:
    return tuple([text for cell in cells if (text := cell.strip())])


def request_of(person: Demographics, reference: str) -> Request:
    """Make a request for a person: the first of each list, line breaks and control characters made blanks.

    The reference has its colons made hyphens, as NHS England's own client does; a number that is not ten digits is
    left out. Nothing is cut short: `Layout.fault_in` tells what a format has no room for.
    """
    lines = [_clean(line) for line in person.address[:_LINES]] + [""] * _LINES
    mobiles = [phone for phone in person.phone if _MOBILE.match(_clean(phone))]
    number = _clean(person.nhs_number).replace(" ", "")
    landlines = [phone for phone in person.phone if phone not in mobiles]
    return Request(
        reference=_clean(reference).replace(":", "-"),
        nhs_number=number if _TEN_DIGITS.fullmatch(number) else "",
        family=_clean(person.family),
        given=_clean(person.given),
        other_given=_clean(" ".join(person.other_given)),
        gender=_CODES.get(person.gender, ""),
        birth_date=person.birth_date.replace("-", ""),
        postcode=_clean(person.postcode),
        death_date=person.death_date.replace("-", ""),
        address_line1=lines[0],
        address_line2=lines[1],
        address_line3=lines[2],
        address_line4=lines[3],
        address_line5=lines[4],
        gp_practice=_clean(person.gp_practice),
        telephone=_first(landlines),
        mobile=_first(mobiles),
        email=_first(person.email),
        previous_family=_first(person.previous_family),
        previous_postcode=_first(person.previous_postcode),
    )


def _clean(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _first(values: Iterable[str]) -> str:
    return _clean(next(iter(values), ""))
