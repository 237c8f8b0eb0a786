"""The published matching algorithm of the Master Person Service, for those who need national results.

Source: NHS England, The Person_ID Handbook (February 2024), as set out in the design note on tracing,
section 4: cross-check, then alphanumeric, then algorithmic trace, stopping at the first success. The house
model is the default; this one is here to compare with, and keeps the published rules even where they are
lenient (a number with a birth date confirms whatever the names say).

Not published, and therefore ours: the nickname dictionary (`linkage.customs`), the comparison of an address (house
and street, as normalised), and rounding, where the handbook's own examples differ by one point. Not here: the daily
copy that answers a cross-check before the live service does (it answers the same), MPS_ID and one-time ids, which are
another register's numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

import jellyfish

from linkage.customs import main_form
from linkage.normalise import fold_postcode, normalise
from linkage.person import Demographics, Gender, PartialDate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from linkage.nhs_number import NhsNumber

_REMOVED: Final = str.maketrans("", "", "!$%&()[]{}=:;#~@|<>.?/_\\£")
_MOST_CANDIDATES: Final = 50
_TOO_CLOSE: Final = 5.0
_INWARD: Final = 3
_WHOLE_POSTCODE: Final = 5
_TWO_OF_THREE: Final = 2
_FIRST_OF_FAMILY: Final = 3
_WORD: Final = re.compile(r"[^\s'-]+")


class Indicator(IntEnum):
    """MATCHED_ALGORITHM_INDICATOR of the response files."""

    NONE = 0
    CROSS_CHECK = 1
    ALPHANUMERIC = 3
    ALGORITHMIC = 4


class Step(StrEnum):
    """MPS_SUCCESSFUL_STEP of the diagnostics file, for the steps that are run here."""

    CROSS_CHECK = "CCT_live"
    ALPHANUMERIC = "alphanumeric_trace_live"
    ALGORITHMIC = "algorithmic_trace_live"
    NOT_RUN = "No_PDS_tracing_run"
    NOT_FOUND = "No_PDS_match_found"


class Code(IntEnum):
    """ERROR/SUCCESS_CODE of the response files, as far as the algorithm itself sets it."""

    SUCCESS = 0
    SUPERSEDED = 90
    NOT_ENOUGH = 96
    SEVERAL_CLOSE = 97
    NOT_FOUND = 98


@dataclass(frozen=True, slots=True)
class Record:
    """Demographics prepared as the handbook prepares them: upper-case, marks removed, hyphens kept.

    ``names`` holds (family, given, other given) sets, the current one first; ``postcodes`` likewise. ``gender`` is
    None where the field is empty: "not known" (0) and "not specified" (9) are values of it. ``address`` is the house
    and the words of the street.
    """

    nhs_number: NhsNumber | None
    names: tuple[tuple[str, str, str], ...]
    birth_date: PartialDate | None
    gender: Gender | None
    postcodes: tuple[str, ...]
    gp_practice: str
    death_date: PartialDate | None
    address: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The current surname."""
        return self.names[0][0]

    @property
    def given(self) -> str:
        """The current first forename."""
        return self.names[0][1]

    @property
    def postcode(self) -> str:
        """The current postcode, an underscore for its space."""
        return self.postcodes[0]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the index; ``superseded_by`` is the number in force where this one was given up."""

    person_id: str
    record: Record
    superseded_by: NhsNumber | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Percentages of the algorithmic trace; ``other_given`` only counts where the question has one."""

    family: float
    given: float
    birth_date: float
    gender: float
    postcode: float
    total: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a response row says: who, by which step, how sure (0 to 100), and the algorithmic percentages."""

    row: Row | None
    indicator: Indicator
    confidence: int
    code: Code
    scores: Scores | None = None

    @property
    def step(self) -> Step:
        """The step that settled it, or why none did."""
        if self.row is None:
            return Step.NOT_RUN if self.code is Code.NOT_ENOUGH else Step.NOT_FOUND
        return _STEPS[self.indicator]


_STEPS: Final = {
    Indicator.CROSS_CHECK: Step.CROSS_CHECK,
    Indicator.ALPHANUMERIC: Step.ALPHANUMERIC,
    Indicator.ALGORITHMIC: Step.ALGORITHMIC,
}


def prepare(said: Demographics) -> Record:
    """Prepare demographics, keeping names as they were written as far as the handbook does."""
    person = normalise(said)
    given, other = _clean(said.given), _clean(" ".join(said.other_given))
    families = (said.family, *said.previous_family)
    codes = (said.postcode, *said.previous_postcode)
    return Record(
        person.nhs_number,
        tuple((_clean(family), given, other) for family in families),
        person.birth_date,
        person.gender if said.gender else None,
        tuple(_spaced(code) for code in codes),
        person.gp_practice,
        person.death_date,
        (person.house, *person.street) if person.house or person.street else (),
    )


def trace(asked: Record, rows: Sequence[Row]) -> Result:
    """Trace one record among rows that share a number or a block with it."""
    living = _in_force(rows)
    for row in rows:
        if (
            asked.nhs_number is not None
            and row.record.nhs_number == asked.nhs_number
            and cross_check(asked, row.record)
        ):
            found = living[row.person_id]
            code = Code.SUCCESS if found is row else Code.SUPERSEDED
            return Result(found, Indicator.CROSS_CHECK, 100, code)
    current = [row for row in rows if living[row.person_id] is row and row.superseded_by is None]
    exact = alphanumeric(asked, current)
    if exact is not None:
        return Result(exact, Indicator.ALPHANUMERIC, 100, Code.SUCCESS)
    return algorithmic(asked, current)


def cross_check(asked: Record, held: Record) -> bool:
    """Section 4.3: number and birth date; or number, two parts of the date, and the beginnings of the names."""
    one, other = asked.birth_date, held.birth_date
    if one is None or other is None:
        return False
    if one == other:
        return True
    if not _partly(one, other):
        return False
    if asked.given and asked.family:
        return any(
            asked.given[:1] == given[:1] and asked.family[:_FIRST_OF_FAMILY] == family[:_FIRST_OF_FAMILY]
            for family, given, _ in held.names
        )
    outward = _outward(asked.postcode)
    return bool(outward) and outward in {_outward(code) for code in held.postcodes}


def alphanumeric(asked: Record, rows: Iterable[Row]) -> Row | None:
    """Section 4.4: the only row alike in surname sound, gender, birth date and whatever else was given."""
    if not asked.family or asked.birth_date is None or asked.gender is None:
        return None
    if asked.death_date is not None and not asked.death_date.is_whole:
        return None
    left = [row for row in rows if _alike(asked, row.record)]
    return left[0] if len(left) == 1 else None


def algorithmic(asked: Record, rows: Iterable[Row]) -> Result:
    """Section 4.5: block, score each field 0 to 100, take the best mean unless the next is within 5."""
    if asked.birth_date is None or not asked.birth_date.is_whole or not asked.postcode or asked.gender is None:
        return Result(None, Indicator.NONE, 0, Code.NOT_ENOUGH)
    mine = _blocks(asked)
    shared = ((len(mine & _blocks(row.record)), row) for row in rows)
    blocked = sorted(((count, row) for count, row in shared if count), key=lambda pair: (-pair[0], pair[1].person_id))
    scored = [(score(asked, row.record), row) for _, row in blocked[:_MOST_CANDIDATES]]
    scored.sort(key=lambda pair: (-pair[0].total, pair[1].person_id))
    if not scored:
        return Result(None, Indicator.NONE, 0, Code.NOT_FOUND)
    best, row = scored[0]
    if len(scored) > 1 and best.total - scored[1][0].total < _TOO_CLOSE:
        return Result(None, Indicator.ALGORITHMIC, 0, Code.SEVERAL_CLOSE)
    return Result(row, Indicator.ALGORITHMIC, round(best.total), Code.SUCCESS, best)


def score(asked: Record, held: Record) -> Scores:
    """The unweighted mean of the fields the question has; the best of the held name sets counts."""
    fixed = (_date_score(asked, held), _gender_score(asked.gender, held.gender), _postcode_score(asked, held))
    family, given, other = asked.names[0]
    sets = (((family, theirs[0]), (given, theirs[1]), (other, theirs[2])) for theirs in held.names)
    best = max((tuple(_likeness(one, two) for one, two in pairs if one) for pairs in sets), key=sum)
    named = dict(zip([name for name, value in zip("fgo", asked.names[0], strict=True) if value], best, strict=True))
    total = (sum(fixed) + sum(best)) / (len(fixed) + len(best))
    # the handbook reports the higher of the two forenames as the given name's score
    return Scores(named.get("f", 0.0), max(named.get("g", 0.0), named.get("o", 0.0)), *fixed, total)


def likeness(one: str, other: str) -> float:
    """Jaro-Winkler of two names as written, letters outside ASCII as @, 0 to 100.

    Both are compared with capitals at the beginning of words alone, however they were typed: that is what gives the
    handbook's printed figures (Adams and Dan are 51 so, and 52 in upper case).
    """
    return _likeness(_clean(one), _clean(other))


def _likeness(one: str, other: str) -> float:
    return 100 * jellyfish.jaro_winkler_similarity(_written(one), _written(other)) if other else 0.0


def _written(name: str) -> str:
    return _WORD.sub(lambda word: word[0].capitalize(), name)


def _clean(text: str) -> str:
    kept = " ".join(text.upper().translate(_REMOVED).split())
    return "".join(character if character.isascii() else "@" for character in kept)


def _spaced(code: str) -> str:
    compact = fold_postcode(code)
    return f"{compact[:-_INWARD]}_{compact[-_INWARD:]}" if len(compact) >= _WHOLE_POSTCODE else compact


def _outward(code: str) -> str:
    return code.partition("_")[0]


def _partly(one: PartialDate, other: PartialDate) -> bool:
    """Whether a date of birth agrees in part: two of its three parts are alike, or day and month are exchanged.

    Two digits exchanged in the day, or the last two in the year, leave the other two parts alike.
    """
    same = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    return same >= _TWO_OF_THREE or _exchanged(one, other)


def _exchanged(one: PartialDate, other: PartialDate) -> bool:
    return one.year == other.year and (one.day, one.month) == (other.month, other.day)


def _alike(asked: Record, held: Record) -> bool:
    return (
        _sound(asked.family) == _sound(held.family)
        and asked.gender == held.gender
        and asked.birth_date == held.birth_date
        and (not asked.address or asked.address == held.address)
        and (not asked.postcode or asked.postcode in held.postcodes)
        and (not asked.given or _sound(asked.given) in {_sound(given) for _, given, _ in held.names})
        and (not asked.gp_practice or asked.gp_practice == held.gp_practice)
        and (asked.death_date is None or asked.death_date == held.death_date)
    )


def _sound(name: str) -> str:
    return jellyfish.soundex(name.replace("@", "").replace(" ", "").replace("-", ""))


def _blocks(record: Record) -> set[tuple[object, ...]]:
    """The four blocks, over current and earlier names and postcodes, with nicknames made whole."""
    born, gender = record.birth_date, record.gender
    found: set[tuple[object, ...]] = set()
    for family, given, _ in record.names:
        sounds = _sound(family), _sound(main_form(given.replace("-", "").replace(" ", "")))
        if all(sounds):
            found.add(("names", *sounds, born))
        for code in filter(None, record.postcodes):
            found.add(("place", born, code, gender))
            found.update(("name", side, sound, gender, born, code) for side, sound in enumerate(sounds) if sound)
    return found


def _date_score(asked: Record, held: Record) -> float:
    one, other = asked.birth_date, held.birth_date
    if one is None or other is None:
        return 0.0
    if one == other:
        return 100.0
    same = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    if same >= _TWO_OF_THREE or _exchanged(one, other):
        return 66.0
    return 33.0 if one.year == other.year else 0.0


def _gender_score(one: Gender | None, other: Gender | None) -> float:
    if one == other:
        return 100.0
    return 0.0 if {one, other} == {Gender.MALE, Gender.FEMALE} else 50.0


def _postcode_score(asked: Record, held: Record) -> float:
    """The current postcode first; the earlier ones only when it scores nothing."""
    now, *before = (_prefix_score(asked.postcode, code) for code in held.postcodes)
    return now or max(before, default=0.0)


def _prefix_score(asked: str, held: str) -> float:
    return 100.0 * len(asked) / len(held) if held and held.startswith(asked) else 0.0


def _in_force(rows: Sequence[Row]) -> dict[str, Row]:
    """Each row's person in force: the end of its chain of supersessions, as far as the rows know it."""
    by_number = {row.record.nhs_number: row for row in rows if row.record.nhs_number is not None}
    found: dict[str, Row] = {}
    for row in rows:
        last, seen = row, {row.person_id}
        while last.superseded_by is not None:
            after = by_number.get(last.superseded_by)
            if after is None or after.person_id in seen:
                break
            seen.add(after.person_id)
            last = after
        found[row.person_id] = last
    return found
