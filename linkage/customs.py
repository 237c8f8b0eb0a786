"""Naming customs that are no error: short forms, spellings of one name, names that only tell the sex.

What may be read off one name alone is read here, once a name, so that a batch engine can keep it in a
column: `telling_words`, `sound`, `family_root`, `given_root`, `family_groups`, `given_groups`, `called`.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Final

import jellyfish

from linkage.customs_lists import FORENAMES, SPELLINGS
from linkage.placeholders import word_set

RELIGIOUS: Final = word_set(
    """
    SINGH KAUR BEGUM BIBI BANO KHATUN KHATOON BEN BHAI DEVI KUMAR KUMARI
    """
)
"""Names borne by custom beside, or in place of, a family name; alone they tell nearly nothing."""

PARTICLES: Final = word_set(
    """
    VAN VON DER DEN DEL DOS DAS DELLA BIN BINT IBN ABU SAN SANTA SAINT
    """
)
"""Little words of surnames: two people sharing one share nothing."""

FIRST_OF_SEVERAL: Final = word_set(
    """
    MOHAMMED MUHAMMAD MOHAMMAD MOHAMED MUHAMMED MOHAMAD MUHAMED MAHOMED MOHAMUD MHMD MOHD MD
    ABDUL ABD SYED SAYED SAYYID SYEDA
    """
)
"""First forenames that every brother may bear: a man named Mohammed Bilal is told apart by Bilal."""

_HONORIFICS: Final = ("BEN", "BHAI")
_SHORTEST_NAME: Final = 3
_SHORTEST_PART: Final = 3
_REMEMBERED: Final = 131_072


def _listed(text: str) -> list[list[str]]:
    return [group.split() for group in text.replace("\n", "|").strip("|").split("|")]


_GROUPS: Final = [*_listed(SPELLINGS), *_listed(FORENAMES)]
_SPELLINGS: Final = len(_listed(SPELLINGS))


def _read_groups(groups: list[list[str]]) -> dict[str, frozenset[int]]:
    """Each name with the numbers of the groups it stands in."""
    numbered: defaultdict[str, set[int]] = defaultdict(set)
    for number, group in enumerate(groups):
        for name in group:
            numbered[name].add(number)
    return {name: frozenset(numbers) for name, numbers in numbered.items()}


_GIVEN_GROUPS: Final = _read_groups(_GROUPS)
_FAMILY_GROUPS: Final = _read_groups(_GROUPS[:_SPELLINGS])
_NO_GROUP: Final[frozenset[int]] = frozenset()


def given_groups(name: str) -> frozenset[int]:
    """The groups a folded forename stands in; two forenames sharing one may be one person's."""
    return _GIVEN_GROUPS.get(name, _NO_GROUP)


def family_groups(name: str) -> frozenset[int]:
    """The groups of spellings a folded surname stands in."""
    return _FAMILY_GROUPS.get(name, _NO_GROUP)


def main_form(name: str) -> str:
    """The form under which a folded forename's first group is listed: Jenny and Jen are JENNIFER."""
    groups = _GIVEN_GROUPS.get(name)
    return _GROUPS[min(groups)][0] if groups else name


def given_root(forename: str) -> str:
    """A forename without the Gujarati courtesy written at its end: Kantaben and Kanta are one."""
    for honorific in _HONORIFICS:
        if forename.endswith(honorific) and len(forename) >= len(honorific) + _SHORTEST_NAME:
            return forename[: -len(honorific)]
    return forename


def family_root(surname: str) -> str:
    """A surname without the ending that tells husband, wife and daughter apart: Kowalski, Kowalska."""
    return surname


def are_given_variants(one: str, other: str) -> bool:
    """Whether two folded forenames are forms of one name, as Bill of William or Mohamed of Muhammad."""
    mine = _GIVEN_GROUPS.get(one)
    if mine is not None and not mine.isdisjoint(given_groups(other)):
        return True
    if one.endswith(_HONORIFICS) or other.endswith(_HONORIFICS):
        return given_root(one) == given_root(other)
    return False


def are_surname_variants(one: str, other: str) -> bool:
    """Whether two folded surnames are spellings of one, as Chowdhury and Choudhry."""
    mine = _FAMILY_GROUPS.get(one)
    if mine is not None and not mine.isdisjoint(family_groups(other)):
        return True
    # a root is never shorter than three letters, so this asks for few roots
    return one[:_SHORTEST_NAME] == other[:_SHORTEST_NAME] and family_root(one) == family_root(other)


def called(given: str, other_given: tuple[str, ...]) -> str:
    """The forename a person is known by: the second where custom gives the first to every brother."""
    return other_given[0] if given in FIRST_OF_SEVERAL and other_given else given


@lru_cache(maxsize=_REMEMBERED)
def telling_words(surname: str) -> frozenset[str]:
    """The words of a folded surname that say who somebody is: not Singh, not van, nothing under three letters."""
    words = (word for word in surname.split() if len(word) >= _SHORTEST_PART)
    return frozenset(word for word in words if word not in RELIGIOUS and word not in PARTICLES)


@lru_cache(maxsize=_REMEMBERED)
def sound(name: str) -> str:
    """How a folded name sounds to an English ear (Metaphone), spaces aside; empty where that says nothing."""
    return jellyfish.metaphone(name.replace(" ", ""))
