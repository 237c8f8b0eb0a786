"""Use case: a national service says that somebody's record changed. It does not say how: they are read anew.

What is kept of a signal is the number of somebody whom the index holds, the event and the version; of anybody else
nothing. A version that has been read already is not read again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from adapters.spine.signals import LARGEST, Signal, SignalRefused, read_signal
from gateway.errors import InputError
from gateway.ids import person_id
from gateway.services.changes.pairs import COMPARED
from gateway.services.files import binary, named
from gateway.storage.signals import Mark
from ig.decide import Population
from ig.purpose import Element, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.auth.caller import Caller
    from gateway.house import House

BATCH: Final = 500


@dataclass(slots=True)
class SignalReport:
    """What signals came to. ``held`` had been read already, ``strangers`` are not in the index, ``refused`` by rule."""

    read: int = 0
    marked: int = 0
    held: int = 0
    strangers: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def take_signal(house: House, caller: Caller, data: bytes) -> SignalReport:
    """Take in one signal, of any shape that `adapters.spine.signals` reads.

    Raises:
        InputError: it is none; the reason is ``signal-`` and the rule.
        NotPermitted: no processing grant covers the comparison of records with the index.
        Unavailable: a store cannot be written; the signal can be sent again.
    """
    try:
        signal = read_signal(data)
    except SignalRefused as refused:
        raise InputError(str(refused), reason=f"signal-{refused.rule}") from None
    return _take(house, caller, [signal], SignalReport())


def take_files(house: House, caller: Caller, paths: Sequence[Path]) -> SignalReport:
    """Take in files of one signal each, and folders of them; what cannot be read is counted by rule and left.

    Raises:
        InputError: a file cannot be opened.
        NotPermitted, Unavailable: as :func:`take_signal`; the same files may be given again.
    """
    done = SignalReport()
    signals = _signals(paths, done)
    while some := list(islice(signals, BATCH)):
        _take(house, caller, some, done)
    return done


def _signals(paths: Iterable[Path], done: SignalReport) -> Iterator[Signal]:
    for path in _files(paths):
        with named(path), binary(path) as opened:
            data = opened.read(LARGEST + 1)
        try:
            yield read_signal(data)
        except SignalRefused as refused:
            done.refused[refused.rule] += 1


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]


def _take(house: House, caller: Caller, signals: Sequence[Signal], done: SignalReport) -> SignalReport:
    with house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets=COMPARED,
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="changes-signals",
    ) as passage:
        ours = house.stores.signals.ours(passage.permit, {one.number for one in signals})
        known = [one for one in signals if one.number.digits in ours]
        marks = [Mark(one.number.digits, one.event, one.version, one.told_at) for one in known]
        with house.stores.transaction() as tx:
            marked = house.stores.signals.mark(tx, marks)
        passage.disclose({person_id(one.number) for one in known}, rows=len(signals), outcome="signals")
    done.read += len(signals)
    done.marked += marked
    done.held += len(known) - marked
    done.strangers += len(signals) - len(known)
    return done
