"""A row that asks about somebody: the columns of the index CSV, as far as they say whom to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINES: Final = tuple(f"address_line{line}" for line in range(1, 6))


def asked_of(cells: Mapping[str, str]) -> Demographics:
    """Return what a row says of somebody, as written; a column that is not there says nothing.

    ``superseded_by`` and ``sensitivity`` do not say whom to find, and are passed over.
    """

    def one(name: str) -> str:
        return cells.get(name, "")

    def several(name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in one(name).split("|") if part.strip())

    return Demographics(
        nhs_number=one("nhs_number"),
        family=one("family"),
        given=one("given"),
        other_given=several("other_given"),
        previous_family=several("previous_family"),
        birth_date=one("birth_date"),
        gender=one("gender"),
        postcode=one("postcode"),
        previous_postcode=several("previous_postcode"),
        address=tuple(line for name in _LINES if (line := one(name))),
        phone=several("phone"),
        email=several("email"),
        gp_practice=one("gp_practice"),
        death_date=one("death_date"),
    )
