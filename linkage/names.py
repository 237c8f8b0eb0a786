"""Reading name fields: they hold titles, earlier names, pet names, hospital words and sometimes a name.

What a field says beside the name is kept where it helps (an earlier surname, a name somebody goes by) and
dropped where it does not (a title, the mother of a newborn). A text with a letter gives a name unless it is
one of the documented placeholders (`linkage.placeholders`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from linkage import placeholders
from linkage.customs import FIRST_OF_SEVERAL, without_courtesy
from linkage.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Forenames", "Surname", "forenames", "surname"]


class Surname(NamedTuple):
    """A surname folded and as written (empty where that is the folded form), and what else the field held."""

    folded: str
    written: str
    earlier: tuple[str, ...]


class Forenames(NamedTuple):
    """Forenames folded, one word each, first one first; ``written`` is the first as written, as in `Surname`."""

    folded: tuple[str, ...]
    written: str


_NOTHING: Final = Surname("", "", ())
_REMEMBERED: Final = 65_536

_APOSTROPHES: Final = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bb\u02bc\u02bd\u00b4`\u2032\uff07"), "'")
_HYPHENS: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"), "-")
_QUOTES: Final = dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb"), '"')
_ONE_OF_EACH: Final = {**_APOSTROPHES, **_HYPHENS, **_QUOTES, ord("."): " "}
"""One apostrophe, one hyphen and one quotation mark; a full stop parts: "J.R." is two initials."""

_ASIDE: Final = re.compile(r"[(\[]([^()\[\]]*)[)\]]?|\"([^\"]*)\"?")
"""What stands in brackets or quotation marks: SMITH (JONES), Margaret "Peggy"."""
_FORMERLY: Final = re.compile(
    r"(?<=\S)[\s,;]+(?:N[EÉ]E|FORMERLY|PREVIOUSLY|PREV|F\s?/?\s?K\s?/?\s?A|ALSO KNOWN AS|KNOWN AS|GOES BY|PREFERS"
    r"|LIKES TO BE CALLED|A\s?/?\s?K\s?/?\s?A|K/A|ALIAS)[\s:]+(?=\S)"
)
"""Between a name and another name of the same person, and only there: Nee is a surname too."""
_SAYS_FORMERLY: Final = re.compile(r"^(?:N[EÉ]E|FORMERLY|PREVIOUSLY|PREV|KNOWN AS|AKA|ALIAS)[\s:]+(?=\S)")
_OF_A_MOTHER: Final = re.compile(r"\b(?:BABY|INFANT|NEWBORN|TWIN|TRIPLET)\b.*?\bOF\b.*|\bB\s?/\s?O\b.*")
"""Baby of Fatima, Twin 2 of Ann, B/O Khan: what follows is the mother."""
_CHILD_OF: Final = re.compile(r"(?<=\S)\s+(?:[SDW]\s?/\s?O|A\s?/\s?[LP])\s+(?=\S)")
"""Son of, daughter of, wife of; Tamil a/l and a/p: what follows is the father's or husband's name."""
_PARTED: Final = re.compile(r"[\s,;/&+]+")
_BORN_TOGETHER: Final = frozenset({"TWIN", "TRIPLET"})
_WHICH: Final = frozenset({"ONE", "TWO", "THREE", "I", "II", "III", "A", "B", "C"})
_LINKS: Final = frozenset({"BIN", "BINT", "BINTI", "IBN"})
_PREFIXES: Final = frozenset({"O", "MC", "MAC", "D"})
_SHORTEST_AFTER_PREFIX: Final = 3
_LONGER_THAN_A_COURTESY: Final = 7


@lru_cache(maxsize=_REMEMBERED)
def surname(text: str) -> Surname:
    """A surname field: O Brien, O'Brien and OBrien are one; Smith-Jones is two words; titles are dropped.

    SMITH (JONES) and KAUR GILL née DHALIWAL say an earlier surname.
    """
    if not placeholders.is_name(fold(text)):
        return _NOTHING
    main, asides = _with_asides(text)
    tokens = _without_titles([token for token in _PARTED.split(main) if token], placeholders.JUNK_OF_A_SURNAME)
    name = " ".join(_with_prefixes([word for token in tokens for word in fold(token).split()]))
    if len(name) >= _LONGER_THAN_A_COURTESY:
        # a forename that was written in the surname's place: Alpaben
        name = without_courtesy(name)
    if not placeholders.is_name(name):
        return _NOTHING
    written = " ".join(tokens)
    earlier = tuple(surname(aside).folded for aside in asides)
    return Surname(name, "" if written == name else written, tuple(name for name in earlier if name))


@lru_cache(maxsize=_REMEMBERED)
def forenames(texts: tuple[str, ...]) -> Forenames:
    """Forename fields, first one first. A hyphen joins (Mary-Ann is MARYANN), a space parts.

    A pet name in brackets comes last; a newborn's stand-in (Twin 1, Baby of Fatima) is nobody's name.
    """
    tokens: list[str] = []
    pet_names: list[str] = []
    for text in texts:
        if not placeholders.is_name(fold(text)):
            continue
        main, asides = _with_asides(text)
        tokens.extend(_own_words(main))
        pet_names.extend(word for aside in asides for word in _own_words(aside))
    said = [(token, word) for token in (*tokens, *pet_names) for word in _words(token)]
    if not said:
        return Forenames((), "")
    token, first = said[0]
    return Forenames(tuple(word for _, word in said), "" if token == first else token)


def _with_asides(text: str) -> tuple[str, list[str]]:
    """The text in capitals without what stands aside of the name, and the asides."""
    if text.isascii() and text.isalpha():
        return text.upper(), []
    plain = unicodedata.normalize("NFC", text).upper().translate(_ONE_OF_EACH)
    asides = ["".join(found) for found in _ASIDE.findall(plain)]
    main, *others = _FORMERLY.split(_ASIDE.sub(" ", plain) if asides else plain)
    asides = [_SAYS_FORMERLY.sub("", aside.strip()) for aside in (*others, *asides)]
    # a name wholly in brackets is still a name
    return (main, asides) if fold(main) else (" ".join(asides), [])


def _own_words(text: str) -> list[str]:
    """The tokens of a forename field that are the person's own names."""
    if not text.isalpha():
        text = _CHILD_OF.sub(" ", _OF_A_MOTHER.sub(" ", text))
    tokens = _without_titles([token for token in _PARTED.split(text) if token], placeholders.JUNK_WORDS)
    return [token for place, token in enumerate(tokens) if not (place and token in _LINKS)]


def _without_titles(tokens: list[str], junk: frozenset[str]) -> list[str]:
    """Tokens without titles before, honours after, and the words of maternity wards."""
    if len(tokens) == 1:
        return [token for token in tokens if token not in junk and token not in placeholders.TITLES]
    born_together = not _BORN_TOGETHER.isdisjoint(tokens)
    kept = [
        token
        for place, token in enumerate(tokens)
        if token not in junk
        and token not in placeholders.TITLES
        and not (born_together and (token[0].isdigit() or (tokens[place - 1] in _BORN_TOGETHER and token in _WHICH)))
    ]
    while len(kept) > 1 and kept[0] in placeholders.TITLES_BEFORE:
        del kept[0]
    while len(kept) > 1 and kept[-1] in placeholders.HONOURS_AFTER:
        del kept[-1]
    return kept


def _with_prefixes(words: list[str]) -> list[str]:
    """The words of a surname, O and Mc written to what they belong to; from the end, so that two reads agree."""
    joined: list[str] = []
    for word in reversed(words):
        if word in _PREFIXES and joined and len(joined[-1]) >= _SHORTEST_AFTER_PREFIX:
            joined[-1] = word + joined[-1]
        else:
            joined.append(word)
    return joined[::-1]


def _words(token: str) -> Iterable[str]:
    """The forenames in one token: one, or two where a hyphen follows a name that every brother bears."""
    head, hyphen, tail = token.partition("-")
    parts = (head, tail) if hyphen and fold(head) in FIRST_OF_SEVERAL else (token,)
    for part in parts:
        word = without_courtesy(fold(part).replace(" ", ""))
        if placeholders.is_name(word):
            yield word
