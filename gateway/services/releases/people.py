"""The people of a release under their pseudonyms: year of birth and gender, and nothing that names or places them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from linkage.nhs_number import NhsNumber
from linkage.pseudonym import Domain, domain_key, surrogate, tag, token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import Member

_CHUNK: Final = 5000
_OLDEST_BAND: Final = 90


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person of a release. ``person_id`` joins their events and is dropped before anything is written."""

    person_id: str
    pseudonym: str
    birth_year: int | None
    age_band: str | None
    gender: str


def people_of(house: House, permit: Permit, members: Sequence[Member], domain: Domain, on: date) -> Iterator[PersonRow]:
    """Yield the members under pseudonyms of ``domain``; ages are at ``on``. Nobody without a number shares a token."""
    key, mark = domain_key(house.stores.keys.pseudonym_root(), domain), tag(domain)
    for start in range(0, len(members), _CHUNK):
        chunk = members[start : start + _CHUNK]
        numbers = {member.person_id: NhsNumber(member.nhs_number) for member in chunk if member.nhs_number}
        held = house.stores.index.by_numbers(permit, numbers.values())
        for member in chunk:
            number = numbers.get(member.person_id)
            found = held.get(number) if number else None
            born = found.person.birth_date if found else None
            yield PersonRow(
                person_id=member.person_id,
                pseudonym=token(key, mark, number) if number else surrogate(key, mark, member.person_id),
                birth_year=born.year if born else None,
                age_band=_band(on.year - born.year) if born else None,
                gender=found.person.gender.value if found else "unknown",
            )


def _band(age: int) -> str:
    if age >= _OLDEST_BAND:
        return f"{_OLDEST_BAND}+"
    low = age - age % 5
    return f"{low:02d}-{low + 4:02d}"
