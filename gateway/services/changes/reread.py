"""Use case: read anew whomever a signal told of, from the upstream PDS, into the index.

What PDS answers goes in as a daily extract of PDS would, so that every rule of an index load holds: a number that was
replaced, a restriction, a test number, a row that cannot be used. The index says of itself that it is as old as it was:
a few people read today do not make the others younger. Whoever is not read stays marked, until PDS answers or an index
of a later day has them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.errors import UpstreamError
from gateway.ids import person_id
from gateway.services.changes.pairs import COMPARED
from gateway.services.progress import silent
from gateway.services.records.index import IndexSource, load_index
from ig.decide import Population
from ig.purpose import Element, Level
from linkage.nhs_number import NhsNumber

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import date

    from gateway.auth.caller import Caller
    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.progress import Report
    from gateway.services.tracing.upstream import Pds
    from gateway.storage.signals import Waiting

BATCH: Final = 1000
"""People in one load: what a crash can make us ask PDS again."""

_PDS: Final = "pds"
_HEADER: Final = b"signals|DSP|update||||1|"


@dataclass(slots=True)
class RereadReport:
    """What came of it. ``covered`` by a later index, ``unknown`` to PDS now; ``waiting`` are those that nobody read.

    ``stopped`` is why PDS was not asked on, as a code; empty where it was.
    """

    covered: int = 0
    read: int = 0
    unknown: int = 0
    quarantined: int = 0
    waiting: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    waiting: Waiting
    patient: dict[str, Any] | None

    @property
    def version(self) -> int:
        """The version that was read, 0 where PDS did not say."""
        told = str((self.patient or {}).get("meta", {}).get("versionId", ""))
        return int(told) if told.isascii() and told.isdecimal() else 0


def reread(house: House, caller: Caller, loader: Caller, pds: Pds | None, report: Report = silent) -> RereadReport:
    """Ask PDS (None: nobody is asked) about whoever is marked, and load what it says as ``loader``.

    Raises:
        InputError: PDS told of somebody whom this house may not hold.
        NotPermitted: no processing grant covers asking, or loading.
        Conflict: an index load is at it.
        Unavailable: a store cannot be written; the run can be repeated.
    """
    done, asked = RereadReport(), 0
    with _gate(house, caller), house.stores.transaction() as tx:
        done.covered = house.stores.signals.covered(tx)
    total = house.stores.signals.waiting_count()
    after = ""
    while pds is not None and not done.stopped and (answers := _ask(house, caller, pds, after, done)):
        _load(house, loader, answers, done)
        after = answers[-1].waiting.nhs_number
        asked += len(answers)
        report(asked, total)
    done.waiting = house.stores.signals.waiting_count()
    return done


def _ask(house: House, caller: Caller, pds: Pds, after: str, done: RereadReport) -> list[_Answer]:
    """Ask about the next ones; as many answers as came before PDS gave none."""
    answers: list[_Answer] = []
    with _gate(house, caller) as passage, suppress(UpstreamError):
        for one in house.stores.signals.waiting(passage.permit, after, BATCH):
            done.stopped = "upstream"
            number = NhsNumber(one.nhs_number)
            # that somebody was asked about is recorded whether an answer comes or not
            passage.disclose([person_id(number)], rows=1, outcome="asked-pds")
            answers.append(_Answer(one, pds.patient(number)))
            done.stopped = ""
    return answers


def _gate(house: House, caller: Caller) -> AbstractContextManager[Passage]:
    return house.gate.permit(
        caller,
        level=Level.PATIENT,
        datasets=COMPARED,
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="changes-reread",
    )


def _load(house: House, loader: Caller, answers: Sequence[_Answer], done: RereadReport) -> None:
    told = [one for one in answers if one.patient is not None]
    done.unknown += len(answers) - len(told)
    if told:
        with TemporaryDirectory(dir=house.settings.data_dir) as folder:
            path = Path(folder) / "signals.txt"
            path.write_bytes(b"\n".join((_HEADER, *(line for one in told for line in _lines(one)), b"")))
            loaded = load_index(house, loader, IndexSource(path, _PDS, _as_of(house), "pds-json"))
        done.quarantined += sum(loaded.quarantined.values())
    done.read += len(told)
    with house.stores.transaction() as tx:
        house.stores.signals.read(tx, [(one.waiting, one.version) for one in answers])


def _lines(one: _Answer) -> list[bytes]:
    """A line under the number that was asked about, and where another answers for it, one under that."""
    body = orjson.dumps(one.patient)
    numbers = dict.fromkeys((one.waiting.nhs_number, str((one.patient or {}).get("id", ""))))
    return [b"||%s|%s" % (number.encode(), body) for number in numbers]


def _as_of(house: House) -> date:
    """The day of what the index has from PDS already, or today where it has nothing."""
    known = {info.source: info.as_of for info in house.stores.index.sources()}
    return known.get(_PDS, house.now().date())
