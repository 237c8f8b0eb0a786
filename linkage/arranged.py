"""The same names in another arrangement: in exchanged places, joined or apart, behind a Western one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from linkage.customs import family_forms, given_forms, written

if TYPE_CHECKING:
    from linkage.person import Person

__all__ = ["CLOSE", "SHORTEST_SLIPPED", "among_others", "exchanged", "in_two_tongues"]

CLOSE: Final = 0.92
SHORTEST_SLIPPED: Final = 4
"""Names of fewer letters are other names when one letter differs: Ann and Ana, Lee and Leo."""

_TWO_TONGUES: Final = 3

_jaro_winkler = JaroWinkler.similarity
_edits = DamerauLevenshtein.distance


def exchanged(asked: Person, held: Person) -> bool:
    """Whether the same names stand in other places, joined or apart, or two changed places, one perhaps with a slip."""
    family, held_family = asked.family, held.family
    if not (family and asked.given and held_family and held.given) or family == held_family:
        return False
    if family == held.given and _half(asked, held):
        return True
    if asked.given == held_family and _half(held, asked):
        return True
    mine = written(family, asked.given, asked.other_given)
    theirs = written(held_family, held.given, held.other_given)
    if mine.letters == theirs.letters and family.replace(" ", "") != held_family.replace(" ", ""):
        return True
    return _both_slipped(asked, held)


def _half(one: Person, other: Person) -> bool:
    """Where a surname is the other side's forename: whether the own forename is nearly the other side's surname."""
    given, family = one.given, other.family
    return _crosswise(given, family) or given in other.other_given or family in one.other_given


def _crosswise(given: str, family: str) -> bool:
    """Whether a forename and the other side's surname are one name with a slip, or in another spelling."""
    if _jaro_winkler(given, family) >= CLOSE:
        return True
    mine, theirs = given_forms(given), family_forms(family)
    if not mine.groups.isdisjoint(theirs.groups):
        return True
    if min(len(given), len(family)) < SHORTEST_SLIPPED:
        return False
    return (bool(mine.sound) and mine.sound == theirs.sound) or _edits(given, family, score_cutoff=1) == 1


def _both_slipped(asked: Person, held: Person) -> bool:
    """Whether both names changed places with a slip in each, their first letters kept."""
    family, given, held_family, held_given = asked.family, asked.given, held.family, held.given
    if family[0] != held_given[0] or given[0] != held_family[0]:
        return False
    # two people of one family whose names begin alike are not exchanged: the straight reading comes first
    if family[0] == given[0] and max(_jaro_winkler(family, held_family), _jaro_winkler(given, held_given)) >= CLOSE:
        return False
    return min(_jaro_winkler(family, held_given), _jaro_winkler(given, held_family)) >= CLOSE


def among_others(asked: Person, held: Person) -> bool:
    """Whether the forenames of one, written as one, are the other's further ones: Xiao Ming and Kevin Xiaoming."""
    if not asked.other_given and not held.other_given:
        return False
    mine = written(asked.family, asked.given, asked.other_given)
    theirs = written(held.family, held.given, held.other_given)
    return (
        mine.whole in (theirs.rest, *held.other_given)
        or theirs.whole in (mine.rest, *asked.other_given)
        or asked.given == theirs.rest
        or held.given == mine.rest
    )


def in_two_tongues(asked: Person, held: Person) -> bool:
    """Whether two bearers of East Asian surnames have one a Western forename and one none."""
    mine, theirs = (written(who.family, who.given, who.other_given) for who in (asked, held))
    return mine.tongue + theirs.tongue == _TWO_TONGUES
