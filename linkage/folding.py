"""Folding: a text in any script as capitals A to Z, in addition to the original and never instead of it."""

from __future__ import annotations

import re
from typing import Final

from anyascii import anyascii

__all__ = ["fold"]

_INSIDE_WORD: Final = re.compile(r"['`.]")
_NOT_LETTERS: Final = re.compile(r"[^A-Z]+")
_SPELT_OUT: Final = {
    **dict.fromkeys((0x0902, 0x0982, 0x0A02, 0x0A70, 0x0A82), "n"),
    **dict.fromkeys(map(ord, "\u0622\u0623\u0627\u0629\u0639\u0649\u0671"), "a"),
    **dict.fromkeys(map(ord, "\u0625"), "i"),
    **dict.fromkeys(map(ord, "\u0624"), "w"),
    **dict.fromkeys(map(ord, "\u0626"), "y"),
}
"""Letters that the transliterator drops or writes as another sound, as names in England are spelt.

The nasal signs of Devanagari, Bengali, Gurmukhi and Gujarati are an n (Singh, not Simgh); the Arabic alif, ain
and closing ta a vowel (Ali, Fatima, Aisha).
"""
_CONSONANTS: Final = "".join(f"{chr(block + 0x15)}-{chr(block + 0x39)}" for block in range(0x0900, 0x0E00, 0x80))
_INHERENT_VOWEL: Final = re.compile(f"([{_CONSONANTS}])(?=[{_CONSONANTS}])")
"""Between two consonants of an Indian script that no sign parts, an a is spoken: Bharat is written bh-r-t."""


def fold(text: str) -> str:
    """Upper-case A to Z and single spaces, transliterated from any script.

    A text holding any letter never folds to nothing: letters no table knows are spelt as code points.
    """
    if text.isascii() and text.isalpha():
        return text.upper()
    spelt = anyascii(_INHERENT_VOWEL.sub(r"\1a", text).translate(_SPELT_OUT))
    letters = _NOT_LETTERS.sub(" ", _INSIDE_WORD.sub("", spelt).upper()).strip()
    return letters or "".join(_spell(character) for character in text if character.isalpha())


def _spell(character: str) -> str:
    """A letter as its code point in letters A to P, for the few scripts no table transliterates."""
    return "".join(chr(ord("A") + int(digit, 16)) for digit in f"{ord(character):x}")
