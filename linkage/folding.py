"""Folding: a text in any script as capitals A to Z, in addition to the original and never instead of it."""

from __future__ import annotations

import re
from typing import Final

from anyascii import anyascii

__all__ = ["fold"]

_INSIDE_WORD: Final = re.compile(r"['`.]")
_NOT_LETTERS: Final = re.compile(r"[^A-Z]+")
_NASALS: Final = dict.fromkeys((0x0902, 0x0982, 0x0A02, 0x0A70, 0x0A82), "n")
"""The nasal signs of Devanagari, Bengali, Gurmukhi and Gujarati, transliterated as m: Singh is no Simgh."""


def fold(text: str) -> str:
    """Upper-case A to Z and single spaces, transliterated from any script.

    A text holding any letter never folds to nothing: letters no table knows are spelt as code points.
    """
    if text.isascii() and text.isalpha():
        return text.upper()
    letters = _NOT_LETTERS.sub(" ", _INSIDE_WORD.sub("", anyascii(text.translate(_NASALS))).upper()).strip()
    return letters or "".join(_spell(character) for character in text if character.isalpha())


def _spell(character: str) -> str:
    """A letter as its code point in letters A to P, for the few scripts no table transliterates."""
    return "".join(chr(ord("A") + int(digit, 16)) for digit in f"{ord(character):x}")
