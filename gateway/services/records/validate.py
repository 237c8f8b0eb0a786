"""Check FHIR that somebody hands us: R4 structure (fhir.resources R4B models) and the house's UK Core rules."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.validate import Issue, check
from gateway.errors import InputError
from gateway.services.files import named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST = 64 * 1024 * 1024


def validate_path(path: Path) -> list[Issue]:
    """Return every issue in a JSON resource, a Bundle, or an ndjson file with one resource a line.

    Raises:
        InputError: the file is too large, not UTF-8 or not JSON; names the line.
    """
    with named(path):
        size = path.stat().st_size
    if size > _LARGEST:
        raise InputError(f"{path.name}: larger than {_LARGEST // 2**20} MiB", reason="too-large", field="path")
    return [issue for resource in _resources(path) for issue in check(resource)]


def _resources(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with named(path):
            text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: not UTF-8", reason="encoding", field="path") from None
    texts = text.splitlines() if path.suffix == ".ndjson" else [text]
    for number, line in enumerate(texts, 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line, parse_float=Decimal)
        except ValueError:
            raise InputError(f"{path.name}, line {number}: not JSON", reason="json", field="path") from None
        if not isinstance(read, dict):
            raise InputError(f"{path.name}, line {number}: not a FHIR resource", reason="json", field="path")
        yield read
