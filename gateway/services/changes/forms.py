"""When two values are one value written in two ways: the table of forms, each with where its rule is from.

Two texts are equal but for their form when they are equal after every form of their part is taken off; so the
relation is reflexive and symmetric by the way it is made. What is not in the table is a different value: a similar
name, an abbreviated street or an initial are for a person to judge.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from linkage.folding import fold
from linkage.normalise import fold_postcode

if TYPE_CHECKING:
    from collections.abc import Callable


class Part(StrEnum):
    """A part of a person's details that is one text."""

    FAMILY = "family"
    GIVEN = "given"
    LINES = "address"
    POSTCODE = "postcode"


_NAMES: Final = frozenset({Part.FAMILY, Part.GIVEN})
_WORDS: Final = _NAMES | {Part.LINES}
_HYPHENS: Final = re.compile("[-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d]")
_APOSTROPHES: Final = re.compile("['`\u2018\u2019\u201b\u02bb\u02bc\u00b4\u2032\uff07]")
_BETWEEN: Final = re.compile(r"[^\w]+")
_MARK: Final = "Mn"


@dataclass(frozen=True, slots=True)
class Form:
    """A way of writing one value differently. ``off`` takes it off a text; ``because`` says whose rule it is."""

    name: str
    parts: frozenset[Part]
    off: Callable[[str], str]
    because: str


def _plain(text: str) -> str:
    """Latin letters without their marks; another script stays as it is, since a transliteration is another name."""
    plain_letters: list[str] = []
    after_latin = False
    for letter in unicodedata.normalize("NFD", text):
        if unicodedata.category(letter) == _MARK and after_latin:
            continue
        after_latin = letter.isalpha() and _is_latin(letter)
        plain_letters.append(fold(letter) if after_latin else letter)
    return "".join(plain_letters)


@lru_cache(maxsize=4096)
def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN ")


_RECONCILED: Final = "NHS reconciliation of GP lists: a difference accepted without anybody looking"
_PDS: Final = "PDS FHIR API, search"

FORMS: Final = (
    Form("marks", _WORDS, _plain, f"{_PDS}: PÀULINÉ ATTSÖN finds Pauline Attison"),
    Form("case", _WORDS, str.casefold, f"{_PDS}: case-insensitive"),
    Form("apostrophe", _WORDS, lambda text: _APOSTROPHES.sub("", text), _RECONCILED),
    Form("full stop", _NAMES, lambda text: text.replace(".", ""), _RECONCILED),
    Form("hyphen", frozenset({Part.GIVEN}), lambda text: _HYPHENS.sub("", text), _RECONCILED),
    Form("hyphen", frozenset({Part.FAMILY}), lambda text: _HYPHENS.sub(" ", text), _RECONCILED),
    Form(
        "division into lines",
        frozenset({Part.LINES}),
        lambda text: _BETWEEN.sub(" ", text),
        "PDS FHIR API: blank lines are dropped, so what stands on which line is lost",
    ),
    Form("spacing", _WORDS, lambda text: " ".join(text.split()), _RECONCILED),
    Form("run together", frozenset({Part.FAMILY}), lambda text: text.replace(" ", ""), _RECONCILED),
    Form("postcode", frozenset({Part.POSTCODE}), fold_postcode, f"{_PDS}: spaces of a postcode are ignored"),
)
"""Every form that is taken off, in order. The reconciliation is ``listrec`` of the evidence note on tracing."""


def plain(part: Part, text: str) -> str:
    """Return a text without any of its forms: what two writings of one value have in common."""
    for form in FORMS:
        if part in form.parts:
            text = form.off(text)
    return text


def same_given(one: str, other: str) -> bool:
    """Whether two lists of given names are one: run together or not, and whether middle names are said or not.

    Missing middle names are accepted by the NHS's reconciliation of GP lists; those that are said must agree. Initials
    are never run together with a name: Joann A is not Jo Anna.
    """
    mine, others = plain(Part.GIVEN, one).split(), plain(Part.GIVEN, other).split()
    if "".join(mine) == "".join(others):
        return mine == others or min(map(len, (*mine, *others)), default=0) > 1
    shorter, longer = sorted((mine, others), key=len)
    return bool(shorter) and longer[: len(shorter)] == shorter


def says_less(one: str, other: str) -> bool:
    """Whether ``one`` says less than ``other``: fewer names, marks or hyphens, or all in capitals.

    An update by rule goes towards the fuller form and never away from it.
    """
    return any(mine < others for mine, others in zip(_fullness(one), _fullness(other), strict=True))


def _fullness(text: str) -> tuple[int, ...]:
    mixed = sum(word not in {word.upper(), word.lower()} for word in _BETWEEN.split(text))
    marks = sum(not letter.isascii() for letter in unicodedata.normalize("NFC", text) if letter.isalpha())
    signs = len(_HYPHENS.findall(text)) + len(_APOSTROPHES.findall(text))
    letters = sum(letter.isalnum() for letter in text)
    return mixed, marks, signs, letters
