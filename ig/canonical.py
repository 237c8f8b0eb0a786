"""One spelling for one meaning: canonical JSON in the manner of RFC 8785 (JSON Canonicalization Scheme).

Keys are sorted, nothing is optional, text is UTF-8. Numbers are whole (RFC 8785 would allow doubles; nothing that is
hashed here needs one, and refusing them keeps 0.1 out of a proof).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

_LARGEST = 2**53 - 1  # beyond it a reader that keeps numbers as doubles would see another value


class NotCanonical(ValueError):
    """A value that has no canonical form. Carries the rule broken, never the value."""


def canonical(body: Mapping[str, Json]) -> bytes:
    """Return the one UTF-8 spelling of ``body``.

    Raises:
        NotCanonical: for a fraction, a number beyond 2**53 - 1, a key outside ASCII, half a surrogate pair, or a type
            that JSON lacks.
    """
    _check(body)
    try:
        return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise NotCanonical("a text holds half a surrogate pair") from None


def _check(value: object) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > _LARGEST:
                raise NotCanonical("a number lies beyond 2**53 - 1")
        case dict():
            for key, inner in value.items():
                # RFC 8785 sorts by UTF-16 unit and Python by code point: they agree on ASCII.
                if not (isinstance(key, str) and key.isascii()):
                    raise NotCanonical("a key is not ASCII text")
                _check(inner)
        case list() | tuple():
            for inner in value:
                _check(inner)
        case _:
            raise NotCanonical(f"no canonical form for {type(value).__name__}")
