"""Whoever touches a stored row is found out, and the first bad row and the kind of damage are named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ig.checkpoint import Checkpoint, tree_head
from ig.ledger import GENESIS, Damage, Kind, Row, canonical, link, mac, seal, verify_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_KEY = b"k" * 32
_THIEF = b"t" * 32


def _ledger(size: int, key: bytes = _KEY, marks: str = "row") -> list[Row]:
    rows: list[Row] = []
    for seq in range(1, size + 1):
        previous = rows[-1].hash if rows else GENESIS
        rows.append(seal(key, previous, seq, canonical({"what": f"{marks} {seq}"})))
    return rows


def _checkpoint(rows: Sequence[Row]) -> Checkpoint:
    return Checkpoint(len(rows), tree_head(row.body for row in rows), "origin")


def _altered(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], replace(rows[k], body=b"{}"), *rows[k + 1 :]]


def _altered_and_rehashed(rows: list[Row], k: int) -> list[Row]:
    row = rows[k]
    forged = link(row.prev_hash, row.seq, b"{}")
    return [*rows[:k], replace(row, body=b"{}", hash=forged), *rows[k + 1 :]]


def _hash_altered(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], replace(rows[k], hash=bytes(32)), *rows[k + 1 :]]


def _previous_altered(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], replace(rows[k], prev_hash=b"\x01" * 32), *rows[k + 1 :]]


def _mac_altered(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], replace(rows[k], mac=b""), *rows[k + 1 :]]


def _deleted(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], *rows[k + 1 :]]


def _deleted_and_renumbered(rows: list[Row], k: int) -> list[Row]:
    return [*rows[:k], *(replace(row, seq=row.seq - 1) for row in rows[k + 1 :])]


def _twice(rows: list[Row], k: int) -> list[Row]:
    return [*rows[: k + 1], *rows[k:]]


def _swapped_whole(rows: list[Row], k: int) -> list[Row]:
    a, b = rows[k], rows[k + 3]
    return [*rows[:k], replace(b, seq=a.seq), *rows[k + 1 : k + 3], replace(a, seq=b.seq), *rows[k + 4 :]]


def _swapped_bodies(rows: list[Row], k: int) -> list[Row]:
    a, b = rows[k], rows[k + 1]
    return [*rows[:k], replace(a, body=b.body), replace(b, body=a.body), *rows[k + 2 :]]


@pytest.mark.parametrize(
    ("attack", "seq", "kind"),
    [
        (_altered, 5, Kind.ALTERED),
        (_hash_altered, 5, Kind.ALTERED),
        (_previous_altered, 5, Kind.ALTERED),
        (_altered_and_rehashed, 5, Kind.FORGED),
        (_mac_altered, 5, Kind.FORGED),
        (_deleted, 5, Kind.DELETED),
        (_deleted_and_renumbered, 5, Kind.RENUMBERED),
        (_twice, 6, Kind.RENUMBERED),
        (_swapped_whole, 5, Kind.SWAPPED),
        (_swapped_bodies, 5, Kind.SWAPPED),
    ],
)
def test_names_the_first_bad_row_and_what_was_done(
    attack: Callable[[list[Row], int], list[Row]], seq: int, kind: Kind
) -> None:
    rows = _ledger(12)
    assert verify_rows(rows, _KEY) is None
    assert verify_rows(attack(rows, 4), _KEY) == Damage(seq, kind)


def test_a_row_appended_without_the_key_is_forged() -> None:
    rows = _ledger(5)
    forged = seal(_THIEF, rows[-1].hash, 6, b"{}")
    assert verify_rows([*rows, forged], _KEY, [_checkpoint(rows)]) == Damage(6, Kind.FORGED)


def test_a_chain_recomputed_without_the_key_is_forged_from_its_first_row() -> None:
    assert verify_rows(_ledger(5, _THIEF), _KEY) == Damage(1, Kind.FORGED)


def test_a_cut_tail_is_missed_without_a_checkpoint_and_named_with_one() -> None:
    rows = _ledger(9)
    assert verify_rows(rows[:6], _KEY) is None
    assert verify_rows(rows[:6], _KEY, [_checkpoint(rows[:3]), _checkpoint(rows)]) == Damage(7, Kind.TRUNCATED)


def test_a_rewrite_with_the_stolen_key_is_caught_by_whoever_holds_a_checkpoint() -> None:
    true, rewritten = _ledger(9), _ledger(9, marks="lie")
    assert verify_rows(rewritten, _KEY) is None
    assert verify_rows(rewritten, _KEY, [_checkpoint(true)]) == Damage(1, Kind.REWRITTEN)
    half = [*true[:4]]
    for seq in range(5, 10):
        half.append(seal(_KEY, half[-1].hash, seq, b"{}"))
    found = verify_rows(half, _KEY, [_checkpoint(true), _checkpoint(true[:3])])
    assert found == Damage(4, Kind.REWRITTEN)


def test_two_checkpoints_of_one_size_must_both_agree() -> None:
    rows = _ledger(3)
    lie = Checkpoint(3, bytes(32), "origin")
    assert verify_rows(rows, _KEY, [_checkpoint(rows), _checkpoint(rows)]) is None
    assert verify_rows(rows, _KEY, [_checkpoint(rows), lie]) is not None


def test_a_checkpoint_of_the_empty_ledger_holds_for_every_ledger() -> None:
    assert verify_rows(_ledger(2), _KEY, [_checkpoint([])]) is None
    assert verify_rows([], _KEY, [_checkpoint([])]) is None
    assert verify_rows([], _KEY, [Checkpoint(0, bytes(32), "origin")]) == Damage(1, Kind.REWRITTEN)


def test_a_row_numbered_below_nothing_is_named_and_never_fails() -> None:
    rows = _ledger(3)
    bad = [rows[0], replace(rows[1], body=b"{}"), replace(rows[2], seq=-7)]
    assert verify_rows(bad, _KEY) == Damage(2, Kind.ALTERED)


def test_the_seal_covers_place_and_content() -> None:
    row = seal(_KEY, GENESIS, 1, b"{}")
    assert row.mac == mac(_KEY, row.hash)
    assert row.hash == link(GENESIS, 1, b"{}")
    assert link(GENESIS, 1, b"{}") != link(GENESIS, 2, b"{}")


@given(st.data())
def test_any_change_to_any_column_of_any_row_is_found_at_that_row(data: st.DataObject) -> None:
    rows = _ledger(8)
    place = data.draw(st.integers(0, 7))
    column = data.draw(st.sampled_from(["body", "prev_hash", "hash", "mac"]))
    value = data.draw(st.binary(max_size=40).filter(lambda b: b != getattr(rows[place], column)))
    change: dict[str, bytes] = {column: value}
    rows[place] = replace(rows[place], **change)  # type: ignore[arg-type] # one of four columns of one type
    found = verify_rows(rows, _KEY)
    assert found is not None
    assert found.seq == place + 1
