"""How long work tells whoever watches: ``report(done, total)``; total is None while unknown."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int | None], None]


def silent(_done: int, _total: int | None) -> None:
    """Tell nobody."""
