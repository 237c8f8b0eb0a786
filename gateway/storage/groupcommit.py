"""Group commit: threads that want a durable row share one transaction, and nobody waits for a timer.

The first to come leads: it writes everything queued, wakes those whose rows are durable and hands the lead to the
next who waits. Rows that nobody waits for go with the next batch, or with a flusher within 20 ms. Evidence and
alternatives: ``design/http-ledger.md`` (a writer thread was no faster alone and slower under load).
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from gateway.errors import GatewayError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")

CAP: Final = 512
FLUSH_SECONDS: Final = 0.02


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item]):
    item: Item
    waited_for: bool
    woken: threading.Event = field(default_factory=threading.Event)
    settled: bool = False
    error: GatewayError | None = None


class GroupCommit(Generic[Item]):
    """Calls ``write`` with up to 512 items at a time, never from two threads at once. One per process."""

    def __init__(self, write: Callable[[Sequence[Item]], None]) -> None:
        self._write = write
        self._mutex = threading.Lock()
        self._queue: deque[_Waiting[Item]] = deque()
        self._led = False
        self._flusher: threading.Thread | None = None
        self._unwaited = threading.Event()
        self._closing = threading.Event()
        self.lost = 0

    def add(self, item: Item, *, wait: bool) -> None:
        """Queue an item; with ``wait`` return only when it is durable.

        Raises:
            Unavailable: it could not be written. It may yet have been, so nothing may be concluded from it.
        """
        waiting = _Waiting(item, wait)
        with self._mutex:
            self._queue.append(waiting)
            lead = wait and not self._led
            self._led = self._led or lead
        if not wait:
            self._see_to_flusher()
            return
        if not lead:
            waiting.woken.wait()
        if not waiting.settled:
            self._lead(waiting)
        if waiting.error is not None:
            raise waiting.error

    def flush(self) -> None:
        """Write whatever is queued now, and return when it is durable or lost."""
        while True:
            with self._mutex:
                if not self._queue:
                    return
                lead = not self._led
                self._led = True
            if lead:
                self._write_batch()
                self._hand_over()
            else:
                self._closing.wait(FLUSH_SECONDS)

    def close(self) -> None:
        """Flush and stop the flusher."""
        self._closing.set()
        self._unwaited.set()
        if self._flusher is not None:
            self._flusher.join()
        self.flush()

    def _lead(self, mine: _Waiting[Item]) -> None:
        while not mine.settled:
            self._write_batch()
        self._hand_over()

    def _write_batch(self) -> None:
        with self._mutex:
            batch = [self._queue.popleft() for _ in range(min(CAP, len(self._queue)))]
        error: GatewayError | None = None
        try:
            if batch:
                self._write([waiting.item for waiting in batch])
        except GatewayError as refused:
            error = refused
        except Exception as bug:  # noqa: BLE001 - whatever it is, everybody who waits must hear of it
            error = Unavailable(f"the ledger could not be written ({type(bug).__name__})", reason="ledger")
        for waiting in batch:
            waiting.error = error
            waiting.settled = True
            self.lost += error is not None and not waiting.waited_for
            waiting.woken.set()

    def _hand_over(self) -> None:
        with self._mutex:
            heir = next((waiting for waiting in self._queue if waiting.waited_for), None)
            self._led = heir is not None
        if heir is not None:
            heir.woken.set()

    def _see_to_flusher(self) -> None:
        with self._mutex:
            if self._flusher is None:
                self._flusher = threading.Thread(target=self._flush_now_and_then, name="ledger-flusher", daemon=True)
                self._flusher.start()
        self._unwaited.set()

    def _flush_now_and_then(self) -> None:
        while not self._closing.is_set():
            self._unwaited.wait()
            self._unwaited.clear()
            self._closing.wait(FLUSH_SECONDS)
            self.flush()
