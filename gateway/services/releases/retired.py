"""Pseudonyms that a recipient holds from earlier releases and will not meet again: their person has another number now.

A person's pseudonym is made of the number in force, so a replaced number changes it. Only where the agreement has a
release say so is the recipient told which took the place of which, within their own domain, and only of those whom an
earlier release of theirs was about: nothing is said of a number that they never had a pseudonym of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ig.disclosure import Event
from linkage.nhs_number import NhsNumber
from linkage.pseudonym import domain_key, tag, token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.house import House
    from gateway.storage.permit import Permit
    from gateway.storage.records import Member
    from linkage.pseudonym import Domain


def retired(house: House, permit: Permit, members: Sequence[Member], domain: Domain) -> list[list[str]]:
    """Return pairs of pseudonyms of ``domain``, the retired one first, for the members of a release; in order."""
    earlier = {
        one.release_id
        for one in house.stores.releases.list()
        if one.recipient == domain.recipient
        and one.manifest["epoch"] == domain.epoch
        and one.manifest["project"] == domain.project
    }
    numbers = {member.person_id: member.nhs_number for member in members if member.nhs_number}
    families = house.stores.successions.families(permit, numbers) if earlier else {}
    past = {old: person for person, family in families.items() for old in family - {person}}
    known = house.stores.links.numbers_of(permit, [old for old in past if _was_released(house, old, earlier)])
    key, mark = domain_key(house.stores.keys.pseudonym_root(), domain), tag(domain)
    return sorted(
        [token(key, mark, NhsNumber(digits)), token(key, mark, NhsNumber(numbers[past[old]]))]
        for old, digits in known.items()
    )


def _was_released(house: House, person: str, releases: set[str]) -> bool:
    """Whether one of these releases was about a person: the ledger says so."""
    found = house.stores.ledger.search(subject=house.stores.keys.subject_token(person), kinds=[Event.BATCH], limit=1000)
    return any(row.body.get("job") in releases for row in found)
