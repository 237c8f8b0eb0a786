"""Which records belong together, given pairs that match and pairs that never do.

A never is a fact and beats any number of matches. Matches are taken strongest first and, among equals, in
the order of their names, so the outcome does not depend on the order in which anything arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Pair = tuple[str, str]


def clusters(
    pairs: Iterable[Pair], nevers: Iterable[Pair], bits: Mapping[Pair, float] | None = None
) -> list[frozenset[str]]:
    """Join ``pairs`` into clusters none of which holds both ends of a never.

    ``bits`` gives the strength of a pair, in either direction, where it is known. A pair that would bring the
    ends of a never together is passed over. Every record of ``pairs`` is in exactly one cluster; they come
    sorted by their first record.
    """
    strength = bits or {}
    joins = sorted(
        {_ordered(pair) for pair in pairs},
        key=lambda pair: (-max(strength.get(pair, 0.0), strength.get((pair[1], pair[0]), 0.0)), pair),
    )
    forest = _Forest(nevers)
    for one, other in joins:
        forest.join(one, other)
    return sorted((frozenset(members) for members in forest.trees()), key=min)


class _Forest:
    """Union-find in which every tree knows its members and whom they must never meet."""

    def __init__(self, nevers: Iterable[Pair]) -> None:
        self._tree: dict[str, set[str]] = {}
        self._foes: dict[str, set[str]] = {}
        for one, other in nevers:
            self._foes.setdefault(one, set()).add(other)
            self._foes.setdefault(other, set()).add(one)

    def join(self, one: str, other: str) -> None:
        """Make one tree of two, unless a never stands between any of their members."""
        small, large = sorted((self._of(one), self._of(other)), key=len)
        if small is large or any(not large.isdisjoint(self._foes.get(member, ())) for member in small):
            return
        large |= small
        for member in small:
            self._tree[member] = large

    def trees(self) -> Iterable[set[str]]:
        """Each tree once."""
        return {id(tree): tree for tree in self._tree.values()}.values()

    def _of(self, record: str) -> set[str]:
        return self._tree.setdefault(record, {record})


def _ordered(pair: Pair) -> Pair:
    one, other = pair
    return (one, other) if one <= other else (other, one)
