"""The ladders of `linkage.compare` as conditions in SQL, written once and spoken in the dialect of each engine.

Every person is a row of the columns of `linkage.compilers.people`, so a condition only compares columns. A level stands
on one rung only, the cheap tests before the dear ones: numbers and flags, then equal texts, then lists behind the flags
that say there is anything in them, and likeness last. The order therefore differs from the vocabulary's; the first
rung that holds gives the same level, and property tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from linkage.compare import CLOSE, FAINT, GENERATION, SHORTEST_SLIPPED, SIMILAR
from linkage.compilers.people import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Side = Callable[[str], str]


class Dialect(Protocol):
    """How one engine says the few things that engines say differently. Arguments and results are SQL expressions."""

    def asked(self, column: str) -> str:
        """A column of the person asked about."""

    def held(self, column: str) -> str:
        """A column of the person held."""

    def contains(self, several: str, one: str) -> str:
        """Whether a list holds a value."""

    def overlap(self, several: str, others: str) -> str:
        """Whether two lists share a value."""

    def within(self, few: str, many: str) -> str:
        """Whether every value of one list is in the other."""

    def length(self, text: str) -> str:
        """The number of letters."""

    def first(self, text: str) -> str:
        """The first letter."""

    def jaro_winkler(self, one: str, other: str) -> str:
        """The Jaro-Winkler similarity, 0 to 1."""

    def edits(self, one: str, other: str) -> str:
        """The Damerau-Levenshtein distance: letters added, lost, changed, or exchanged with their neighbour."""

    def substitutions(self, one: str, other: str) -> str:
        """The Levenshtein distance; of two texts of one length it is 1 when one letter differs."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """A field's rungs, level and condition, in the order they are tried; ``otherwise`` is the level of all the rest."""

    rungs: tuple[tuple[str, str], ...]
    otherwise: str


def ladders(dialect: Dialect) -> Mapping[str, Ladder]:
    """Field → its ladder, for a person asked about and a person held, in the order of `linkage.compare.FIELDS`."""
    pair = _Pair(dialect)
    return {
        "nhs_number": _number(pair),
        "family": _family(pair),
        "given": _given(pair),
        "other_given": _other_given(pair),
        "birth_date": _birth_date(pair),
        "gender": _equal(pair, "sex", "0"),
        "address": _address(pair),
        "phone": _contact(pair, "phone"),
        "email": _contact(pair, "email"),
        "gp_practice": _hidden(pair, _equal(pair, "gp_practice")),
        "death_date": _equal(pair, "died", "0"),
    }


class _Pair:
    """What is said of two columns of a pair, in one dialect.

    A list is kept in three columns: its first value, whether there are ``_several``, and then ``_all`` of them in one
    text. Mostly there is one, and no list is looked into.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.say: Final = dialect
        self.a: Final = dialect.asked
        self.h: Final = dialect.held

    def same(self, column: str) -> str:
        return f"{self.a(column)} = {self.h(column)}"

    def either(self, flag: str) -> str:
        return f"({self.a(flag)} OR {self.h(flag)})"

    def both(self, flag: str) -> str:
        return f"({self.a(flag)} AND {self.h(flag)})"

    def unknown(self, column: str, nothing: str = "''") -> str:
        return f"({self.a(column)} = {nothing} OR {self.h(column)} = {nothing})"

    def alike(self, column: str, at_least: float) -> str:
        return f"{self.say.jaro_winkler(self.a(column), self.h(column))} >= {at_least}"

    def mutual(self, condition: Callable[[Side, Side], str]) -> str:
        """A condition on one side and the other, or the same with the sides exchanged."""
        return f"(({condition(self.a, self.h)}) OR ({condition(self.h, self.a)}))"

    def values(self, side: Side, column: str) -> str:
        """The list behind a text of several values; of an empty text, the list of one empty value."""
        return f"split({side(column)}, '{SEPARATOR}')"

    def among(self, one: str, side: Side, column: str) -> str:
        """Whether a text, not empty, is among the values of a list."""
        several, whole = side(f"{column}_several"), self.values(side, f"{column}_all")
        return f"({one} = {side(column)} OR ({several} AND {self.say.contains(whole, one)}))"

    def share(self, column: str) -> str:
        """Whether two lists share a value."""
        first, several, whole = column, f"{column}_several", f"{column}_all"
        a, h, contains = self.a, self.h, self.say.contains
        mine, theirs = self.values(a, whole), self.values(h, whole)
        return (
            f"({a(first)} <> '' AND {h(first)} <> '' AND ({self.same(first)}"
            f" OR ({a(several)} AND {contains(mine, h(first))})"
            f" OR ({h(several)} AND {contains(theirs, a(first))})"
            f" OR ({self.both(several)} AND {self.say.overlap(mine, theirs)})))"
        )


def _equal(pair: _Pair, column: str, nothing: str = "''") -> Ladder:
    """A number or code that is known on both sides and the same, or not."""
    return Ladder((("missing", pair.unknown(column, nothing)), ("equal", pair.same(column))), "differs")


def _hidden(pair: _Pair, ladder: Ladder) -> Ladder:
    """The same ladder beneath the rule for restricted people."""
    return Ladder((("withheld", pair.either("hides_location")), *ladder.rungs), ladder.otherwise)


def _contact(pair: _Pair, column: str) -> Ladder:
    return _hidden(pair, Ladder((("missing", pair.unknown(column)), ("equal", pair.share(column))), "differs"))


def _number(pair: _Pair) -> Ladder:
    """Ten digits each; one whose check digit fails is comparable with a valid one, and with its own like."""
    known = f"{pair.a('number')} <> '' AND {pair.h('number')} <> ''"
    digits = pair.a("number"), pair.h("number")
    one_digit = f"{pair.either('number_valid')} AND {pair.say.substitutions(*digits)} = 1"
    return Ladder(
        (
            ("equal", f"{pair.both('number_valid')} AND {pair.same('number')}"),
            ("differs", pair.both("number_valid")),
            ("one-edit", f"{known} AND ({pair.same('number')} OR ({one_digit}))"),
            ("transposed", f"{known} AND {pair.either('number_valid')} AND {pair.say.edits(*digits)} = 1"),
        ),
        "missing",
    )


def _exchanged(pair: _Pair) -> str:
    """Whether forename and surname changed places, each perhaps with a slip."""
    a, h, likeness = pair.a, pair.h, pair.say.jaro_winkler
    straight = f"({pair.alike('family', CLOSE)} OR {pair.alike('given', CLOSE)})"
    crosswise = f"{likeness(a('family'), h('given'))} >= {CLOSE} AND {likeness(a('given'), h('family'))} >= {CLOSE}"
    return (
        f"({a('family_first')} = {h('given_first')} AND {a('given_first')} = {h('family_first')}"
        f" AND {a('family_first')} <> '' AND {a('given_first')} <> ''"
        f" AND (({a('family')} = {h('given')} AND {a('given')} = {h('family')})"
        # two people of one family whose names begin alike are not exchanged: the straight reading comes first
        f" OR (NOT ({a('family_first')} = {a('given_first')} AND {straight}) AND {crosswise})))"
    )


def _likeness(pair: _Pair, column: str) -> dict[str, str]:
    """The last rungs of a name; the one on which most pairs end is tried first, so that they cost one likeness."""
    heard = f"({pair.same(f'{column}_sound')} AND {pair.a(f'{column}_sound')} <> '')"
    long = " AND ".join(f"{pair.say.length(side(column))} >= {SHORTEST_SLIPPED}" for side in (pair.a, pair.h))
    # one slip is looked for only where two names are similar or sound alike, as `linkage.compare` has it
    near = f"({heard} OR {pair.alike(column, SIMILAR)})"
    slip = f"{long} AND {near} AND {pair.say.edits(pair.a(column), pair.h(column))} = 1"
    return {
        "differs": f"(NOT {heard} AND NOT {pair.alike(column, FAINT)})",
        "close": f"({pair.alike(column, CLOSE)} OR ({slip}))",
        "phonetic": heard,
        "similar": pair.alike(column, SIMILAR),
    }


def _variants(pair: _Pair, column: str) -> str:
    groups = pair.say.overlap(*(pair.values(side, f"{column}_groups") for side in (pair.a, pair.h)))
    return f"({pair.same(f'{column}_root')} OR ({pair.both(f'{column}_grouped')} AND {groups}))"


def _family(pair: _Pair) -> Ladder:
    say = pair.say
    words = pair.values(pair.a, "family_words"), pair.values(pair.h, "family_words")
    several = f"{pair.either('family_several')} AND {pair.a('family_words')} <> '' AND {pair.h('family_words')} <> ''"
    contained = f"({say.within(*words)} OR {say.within(*reversed(words))})"
    previous = pair.mutual(lambda one, other: pair.among(one("family"), other, "previous_family"))
    religious = pair.mutual(
        lambda one, other: (
            f"{one('family_religious')} AND {say.contains(pair.values(other, 'religious_words'), one('family'))}"
        )
    )
    a_forename = pair.mutual(lambda one, other: pair.among(one("family"), other, "other_given"))
    return Ladder(
        (
            ("missing", pair.unknown("family")),
            ("exact", f"{pair.same('family')} AND {pair.same('family_written')}"),
            ("folded", pair.same("family_compact")),
            ("previous", previous),
            ("swapped", _exchanged(pair)),
            ("subset", f"{several} AND {say.overlap(*words)} AND {contained}"),
            ("part", f"{several} AND {say.overlap(*words)}"),
            ("religious", f"({religious} OR {a_forename})"),
            ("variant", _variants(pair, "family")),
            *_likeness(pair, "family").items(),
        ),
        "faint",
    )


def _given(pair: _Pair) -> Ladder:
    """Forenames; two people who are not called by a customary first one, as Mohammed, are compared by the next."""
    second = f"({pair.both('called_apart')} AND {pair.a('called')} <> {pair.h('called')})"

    def named(condition: Callable[[str], str]) -> str:
        return f"(CASE WHEN {second} THEN {condition('called')} ELSE {condition('given')} END)"

    def initial(name: str) -> str:
        alike = (
            pair.same("given_first")
            if name == "given"
            else f"{pair.say.first(pair.a(name))} = {pair.say.first(pair.h(name))}"
        )
        return f"({alike} AND ({pair.say.length(pair.a(name))} = 1 OR {pair.say.length(pair.h(name))} = 1))"

    def in_two(name: str) -> str:
        return pair.mutual(
            lambda one, other: (
                f"{one('joined')} = {other(name)}"
                f" OR ({one('has_parts')} AND {pair.say.contains(pair.values(one, 'given_parts'), other(name))})"
            )
        )

    def another(name: str) -> str:
        return pair.mutual(lambda one, other: pair.among(one(name), other, "other_given"))

    last = {
        rung: (_likeness(pair, "called")[rung], _likeness(pair, "given")[rung]) for rung in _likeness(pair, "given")
    }
    return Ladder(
        (
            ("missing", pair.unknown("given")),
            ("exact", f"{pair.same('given')} AND {pair.same('given_written')} AND NOT {second}"),
            ("folded", f"{pair.same('given')} AND NOT {second}"),
            ("swapped", f"NOT {second} AND {_exchanged(pair)}"),
            ("variant", f"({pair.same('called')} OR {named(lambda name: _variants(pair, name))})"),
            ("initial", named(initial)),
            ("compound", named(in_two)),
            ("other", f"{pair.either('has_other')} AND {named(another)}"),
            *((level, f"(CASE WHEN {second} THEN {one} ELSE {other} END)") for level, (one, other) in last.items()),
        ),
        "faint",
    )


def _other_given(pair: _Pair) -> Ladder:
    # Rose Alice and Alice Rose: the same names, the first of them another one
    exchanged = (
        f"{pair.among(pair.a('given'), pair.h, 'other_given')} AND {pair.among(pair.h('given'), pair.a, 'other_given')}"
        f" AND {pair.a('given')} <> '' AND {pair.h('given')} <> ''"
    )
    return Ladder(
        (
            ("missing", f"NOT {pair.both('has_other')}"),
            ("agree", f"({pair.share('telling')} OR ({exchanged} AND NOT {pair.share('other_given')}))"),
            ("religious", pair.share("other_given")),
            ("initial", f"{pair.same('other_first')} AND {pair.either('other_initial')}"),
        ),
        "differs",
    )


def _birth_date(pair: _Pair) -> Ladder:
    a, h, same = pair.a, pair.h, pair.same
    whole = f"{a('born_day')} <> 0 AND {h('born_day')} <> 0"
    years, months, days = same("born_year"), same("born_month"), same("born_day")
    two = f"(({years} AND {months}) OR ({years} AND {days}) OR ({months} AND {days}))"
    apart = f"abs({a('born')} - {h('born')})"
    # One digit changed, or two neighbours exchanged within a part, leave two parts as they were; an exchange across
    # the border of two parts moves the date, read as a number, by a multiple of nine tens or nine thousands.
    border = f"(({years} AND {apart} % 90 = 0) OR ({days} AND {apart} % 9000 = 0))"
    first_january = " OR ".join(f"({side('born_month')} = 1 AND {side('born_day')} = 1)" for side in (a, h))
    return Ladder(
        (
            ("missing", pair.unknown("born", "0")),
            ("first-january", f"{same('born')} AND {a('born_month')} = 1 AND {a('born_day')} = 1"),
            ("exact", f"{same('born')} AND {a('born_day')} <> 0"),
            (
                "part-known",
                f"NOT ({whole}) AND {years} AND ({months} OR {pair.unknown('born_month', '0')})",
            ),
            ("swapped", f"{years} AND {a('born_day')} = {h('born_month')} AND {a('born_month')} = {h('born_day')}"),
            ("slip", f"{whole} AND ({two} OR {border}) AND {pair.say.edits(a('born_text'), h('born_text'))} = 1"),
            ("estimated", f"{whole} AND {years} AND ({first_january})"),
            ("two-parts", f"{whole} AND {two}"),
            ("year", years),
            ("generation", f"abs({a('born_year')} - {h('born_year')}) >= {GENERATION}"),
        ),
        "differs",
    )


def _address(pair: _Pair) -> Ladder:
    a, h, same = pair.a, pair.h, pair.same
    whole = pair.both("postcode_whole")
    one_code = f"{same('postcode')} AND {whole}"
    previous = pair.mutual(
        lambda one, other: f"{one('postcode_whole')} AND {pair.among(one('postcode'), other, 'previous_postcode')}"
    )
    # an edit touches the first three letters or the last, never both
    near = f"({same('postcode_head')} OR {same('postcode_tail')})"
    slip = f"{whole} AND {near} AND {pair.say.edits(a('postcode'), h('postcode'))} = 1"
    house = f"{same('house')} AND {a('house')} <> ''"
    return _hidden(
        pair,
        Ladder(
            (
                ("full", f"{one_code} AND {house}"),
                ("postcode", f"{one_code} AND {pair.unknown('house')}"),
                ("other-house", one_code),
                ("previous", previous),
                ("slip-house", f"{house} AND {slip}"),
                ("street", f"{house} AND {pair.share('street')}"),
                ("missing", pair.unknown("postcode")),
                ("slip", slip),
                ("sector", f"{whole} AND {same('postcode_sector')}"),
                ("outcode", same("postcode_outward")),
            ),
            "differs",
        ),
    )
