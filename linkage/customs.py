"""Naming customs that are no error: short forms, spellings of one name, names that only tell the sex.

What may be read off one name alone is read here, once a name, so that a batch engine can keep it in a
column: `telling_words`, `called`, `given_parts`, and the `Forms` of a forename and of a surname.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import Final, NamedTuple

import jellyfish

from linkage.customs_lists import FORENAMES, SPELLINGS
from linkage.folding import fold
from linkage.placeholders import word_set

RELIGIOUS: Final = word_set(
    """
    SINGH KAUR BEGUM BIBI BANO KHATUN KHATOON BEN BHAI DEVI KUMAR KUMARI
    """
)
"""Names borne by custom beside, or in place of, a family name; alone they tell nearly nothing."""

PARTICLES: Final = word_set(
    """
    VAN VON DER DEN TEN TER DEL DELLA DOS DAS LAS LOS BIN BINT IBN ABU UMM UDDIN ULLAH SAN SANTA SAINT
    """
)
"""Little words of surnames: two people sharing one share nothing."""

FIRST_OF_SEVERAL: Final = word_set(
    """
    MOHAMMED MUHAMMAD MOHAMMAD MOHAMED MUHAMMED MOHAMAD MUHAMED MAHOMED MOHAMUD MAXAMED MHMD MOHD MUHD MD MO
    ABDUL ABDEL ABD ABU SYED SAYED SAYYID SYEDA SHEIKH SHAIKH THI VAN
    """
)
"""First forenames that every brother, or every sister, may bear: Mohammed Bilal is told apart by Bilal.

Thi and Van are the Vietnamese middle names of women and men, written first where the order is lost.
"""

_COURTESIES: Final = (("BHAI", 2), ("BEN", 3))
"""Brother and sister, written at the end of a Gujarati forename, and the letters that must stand before."""
_NO_COURTESY: Final = frozenset({"REUBEN", "RUEBEN", "REUVEN"})

_ADDED: Final = ("KUMARI", "KUMAR", "CHANDRA", "LAL", "DEVI")
"""Second parts of Hindi forenames that daily life leaves out: Dineshkumar is Dinesh."""

_BLESSINGS: Final = ("OLUWA", "CHUKWU")
"""What Yoruba and Igbo forenames begin with and daily life leaves out: Oluwaseun is Seun, Chukwuemeka Emeka."""

_HOUSE_ENDINGS: Final = (
    *((ending, "SK") for ending in ("SKAYA", "SKAIA", "SKIY", "SKYI", "SKYY", "SKI", "SKA", "SKY")),
    *((ending, "CK") for ending in ("CKI", "CKA")),
    *((ending, "") for ending in ("OVA", "OV", "EVA", "EV")),
    *((ending, "as") for ending in ("UVIENE", "IENE", "AITE", "IUTE", "YTE", "UTE", "AS", "IS", "YS", "US")),
)
"""Endings of Polish, Russian, Czech, Bulgarian and Lithuanian surnames that tell husband, wife and daughter apart.

The Lithuanian stem keeps a mark of its own, so that Thomas is not taken for Thom.
"""

_ARTICLES: Final = ("AL", "EL")
_SHORTEST_STEM: Final = 3
_SHORTEST_HOUSE: Final = 4
_SHORTEST_PART: Final = 3
_REMEMBERED: Final = 131_072

_SOUNDS: Final = (("AA", "A"), ("EE", "I"), ("OO", "U"), ("OU", "U"), ("V", "W"), ("Q", "K"))
"""One vowel and one consonant for what other alphabets' names are spelt with in English: Yasmeen and Yasmin."""
_DOUBLED: Final = re.compile(r"([A-Z])\1")


def _listed(text: str) -> list[list[str]]:
    return [group.split() for group in text.replace("\n", "|").strip("|").split("|")]


def _joined(groups: list[list[str]]) -> list[list[str]]:
    """Groups of spellings that share a name as one group; being spelt alike passes on, being short for does not."""
    joined: list[list[str]] = []
    for group in groups:
        met = [known for known in joined if not set(group).isdisjoint(known)]
        joined = [known for known in joined if known not in met]
        joined.append(list(dict.fromkeys(name for known in (*met, group) for name in known)))
    return joined


_FAMILY_LISTED: Final = _joined(_listed(SPELLINGS))
_GROUPS: Final = [*_FAMILY_LISTED, *_listed(FORENAMES)]


def _read_groups(groups: list[list[str]]) -> dict[str, frozenset[int]]:
    """Each name with the numbers of the groups it stands in."""
    numbered: defaultdict[str, set[int]] = defaultdict(set)
    for number, group in enumerate(groups):
        for name in group:
            numbered[name].add(number)
    return {name: frozenset(numbers) for name, numbers in numbered.items()}


_GIVEN_GROUPS: Final = _read_groups(_GROUPS)
_FAMILY_GROUPS: Final = _read_groups(_FAMILY_LISTED)
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


def without_courtesy(forename: str) -> str:
    """A folded forename without the courtesy of Gujarat: Kantaben is Kanta, Rameshbhai Ramesh, Reuben himself."""
    for courtesy, before in _COURTESIES:
        if forename.endswith(courtesy) and len(forename) >= len(courtesy) + before and forename not in _NO_COURTESY:
            return forename[: -len(courtesy)]
    return forename


def given_root(forename: str) -> str:
    """A folded forename without courtesies and blessings, in plain spelling: Dineshkumar and Dinesh are one."""
    forename = without_courtesy(forename)
    for added in _ADDED:
        if forename.endswith(added) and len(forename) >= len(added) + _SHORTEST_STEM:
            forename = forename[: -len(added)]
            break
    for blessing in _BLESSINGS:
        if forename.startswith(blessing) and len(forename) > len(blessing) + _SHORTEST_STEM:
            forename = forename[len(blessing) :]
    return _plain(forename)


def family_root(surname: str) -> str:
    """A folded surname without the ending that tells husband, wife and daughter apart, in plain spelling.

    An Arabic article written into the name goes where the rest is a name we know: Alhassan is Hassan.
    """
    for article in _ARTICLES:
        if surname.startswith(article) and surname[len(article) :] in _FAMILY_GROUPS:
            surname = surname[len(article) :]
    for ending, kept in _HOUSE_ENDINGS:
        if surname.endswith(ending) and len(surname) >= len(ending) + _SHORTEST_HOUSE:
            return _plain(surname[: -len(ending)]) + kept
    return _plain(surname)


def _plain(name: str) -> str:
    """A name as it would be spelt with one letter a sound, for spellings that vary by habit and not by slip."""
    for habit, letter in _SOUNDS:
        name = name.replace(habit, letter)
    name = _DOUBLED.sub(r"\1", name)
    return name[:-1] if name.endswith("AH") else name


class Forms(NamedTuple):
    """What a name is compared by when it is not the other one: its groups, its root and its sound."""

    groups: frozenset[int]
    root: str
    sound: str


@lru_cache(maxsize=_REMEMBERED)
def given_forms(name: str) -> Forms:
    """The forms of a folded forename."""
    return Forms(given_groups(name), given_root(name), sound(name))


@lru_cache(maxsize=_REMEMBERED)
def family_forms(name: str) -> Forms:
    """The forms of a folded surname."""
    return Forms(family_groups(name), family_root(name), sound(name))


def are_variants(one: Forms, other: Forms) -> bool:
    """Whether two names are forms of one, as Bill of William, Mohamed of Muhammad or Kowalska of Kowalski."""
    return one.root == other.root or (bool(one.groups) and not one.groups.isdisjoint(other.groups))


def called(given: str, other_given: tuple[str, ...]) -> str:
    """The forename a person is known by: where custom gives the first to every brother, the next telling one."""
    if given in FIRST_OF_SEVERAL:
        for name in other_given:
            if name not in FIRST_OF_SEVERAL and name not in RELIGIOUS:
                return name
    return given


@lru_cache(maxsize=_REMEMBERED)
def given_parts(written: str) -> tuple[str, ...]:
    """The folded parts of a forename written with a hyphen, such as LILY and MAE; nothing for any other."""
    parts = [fold(part).replace(" ", "") for part in written.split("-")] if "-" in written else []
    return tuple(part for part in parts if len(part) >= _SHORTEST_STEM)


@lru_cache(maxsize=_REMEMBERED)
def telling_words(surname: str) -> frozenset[str]:
    """The words of a folded surname that say who somebody is: not Singh, not van, nothing under three letters."""
    words = (word for word in surname.split() if len(word) >= _SHORTEST_PART)
    return frozenset(word for word in words if word not in RELIGIOUS and word not in PARTICLES)


def sound(name: str) -> str:
    """How a folded name sounds to an English ear (Metaphone), spaces aside; empty where that says nothing."""
    return jellyfish.metaphone(name.replace(" ", ""))
