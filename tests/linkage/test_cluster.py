"""Clusters: whoever matches belongs together, unless somebody said never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from linkage.cluster import clusters

if TYPE_CHECKING:
    from collections.abc import Iterable

Pair = tuple[str, str]
NAMES = st.sampled_from("abcdefgh")
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=12)


def reached(start: str, pairs: Iterable[Pair]) -> frozenset[str]:
    """The oracle: walk from one record along the pairs until nothing new is met."""
    found, news = {start}, [start]
    while news:
        here = news.pop()
        near = {end for pair in pairs for end in pair if here in pair} - found
        found |= near
        news.extend(near)
    return frozenset(found)


@given(PAIRS)
def test_without_nevers_a_cluster_is_everyone_reachable(pairs: list[Pair]) -> None:
    names = {name for pair in pairs for name in pair}
    assert set(clusters(pairs, [])) == {reached(name, pairs) for name in names}


@given(PAIRS, PAIRS, st.randoms())
def test_no_order_of_arrival_joins_a_never_or_changes_anything(
    pairs: list[Pair], nevers: list[Pair], shuffle: st.DataObject
) -> None:
    found = clusters(pairs, nevers)
    for one, other in nevers:
        assert one == other or not any({one, other} <= cluster for cluster in found)
    again = [(other, one) for one, other in pairs]
    shuffle.shuffle(again)  # type: ignore[attr-defined]  # hypothesis types st.randoms() loosely
    assert clusters(again, [(other, one) for one, other in reversed(nevers)]) == found


@given(PAIRS, PAIRS)
def test_every_record_has_one_cluster_and_only_a_never_keeps_a_pair_apart(
    pairs: list[Pair], nevers: list[Pair]
) -> None:
    found = clusters(pairs, nevers)
    home = {name: cluster for cluster in found for name in cluster}
    assert sum(len(cluster) for cluster in found) == len(home) == len({name for pair in pairs for name in pair})
    for one, other in pairs:
        apart = home[one] != home[other]
        forbidden = any(
            {first, second} & home[one] and {first, second} & home[other] for first, second in nevers if first != second
        )
        assert not apart or forbidden


def test_the_stronger_of_two_pairs_that_cannot_both_stand_wins() -> None:
    pairs, nevers = [("a", "b"), ("b", "c")], [("a", "c")]
    assert clusters(pairs, nevers) == [frozenset("ab"), frozenset("c")]
    assert clusters(pairs, nevers, {("c", "b"): 20.0, ("a", "b"): 10.0}) == [frozenset("a"), frozenset("bc")]
