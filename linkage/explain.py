"""Why a pair was, or was not, taken for one person: a list of evidence, drawn later.

The list feeds the review page, the API, the ledger and the export alike. It holds field names, levels and
bits, never a value of either person, so it may be logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Evidence:
    """How one field compared: which level it reached and its weight in bits (log2 m/u)."""

    field: str
    level: str
    bits: float


_AGREES: Final = frozenset({"equal", "exact", "folded", "agree", "full", "postcode", "first-january"})
_SILENT: Final = frozenset({"missing", "withheld"})


def agrees(piece: Evidence) -> bool:
    """Whether both sides say the same, as far as each says anything; near agreement is not agreement."""
    return piece.level in _AGREES


def differs(piece: Evidence) -> bool:
    """Whether both sides speak and do not say the same: a slip, another form, an earlier value or another one."""
    return piece.field in LABELS and piece.level not in _AGREES | _SILENT


class EvidenceRecord(TypedDict):
    """One piece of evidence as JSON."""

    field: str
    level: str
    bits: float
    sentence: str


class WeighingRecord(TypedDict):
    """A weighing as JSON: bits of the evidence, of the prior and of both together, the probability and its phrase."""

    prior_bits: float
    evidence: list[EvidenceRecord]
    bits: float
    total: float
    probability: float
    phrase: str


LABELS: Final[Mapping[str, str]] = {
    "nhs_number": "NHS number",
    "family": "Last name",
    "given": "First name",
    "other_given": "Middle names",
    "birth_date": "Date of birth",
    "gender": "Gender",
    "address": "Address",
    "phone": "Telephone",
    "email": "Email",
    "gp_practice": "GP practice",
    "death_date": "Date of death",
}
"""Field → its name on pages."""

_LEVELS: Final[Mapping[str, str]] = {
    "equal": "the same",
    "exact": "the same",
    "folded": "the same name, written another way",
    "transposed": "two neighbouring digits exchanged, and one of the numbers is not valid",
    "one-edit": "one digit mistyped in a number that is not valid",
    "agree": "one is the same",
    "differs": "different",
    "missing": "not known, on one side or on both",
    "withheld": "withheld, because this person's location is protected",
    "previous": "the same as an earlier one",
    "swapped": "the same parts in exchanged places",
    "subset": "one is part of the other",
    "part": "one part is the same",
    "compound": "two first names written as one, or one of the two",
    "phonetic": "they sound alike",
    "religious": "agree only on a name given by custom, or on one that is a first name on the other side",
    "close": "nearly the same",
    "similar": "similar",
    "faint": "faintly similar",
    "variant": "another form of the same name",
    "other": "the same as a middle name",
    "initial": "the initial agrees",
    "first-january": "the same, but 1 January often stands for an unknown day",
    "slip": "one character different",
    "estimated": "the same year, one of them 1 January",
    "two-parts": "two of day, month and year are the same",
    "part-known": "the same as far as both are known",
    "year": "only the year is the same",
    "generation": "a generation apart",
    "full": "the same postcode and house",
    "postcode": "the same postcode, a house not known",
    "other-house": "the same postcode, another house",
    "slip-house": "the same house, one character of the postcode different",
    "street": "the same house and street, another postcode or none",
    "sector": "the same part of town",
    "outcode": "the same district",
}
_INTERACTIONS: Final[Mapping[str, str]] = {
    "twin-or-sibling": "May be a twin: same birth date and household, another first name",
    "middle-name-or-sibling": "May be a twin who bears this name as a middle name",
    "forename-unknown": "May be a twin: same birth date and household, first name not known",
    "parent-or-namesake": "May be a parent or child of the same name",
    "one-household": "Address and contact details are shared by a household and count once",
    "one-household-near-name": "Address and contact details are shared by a household; the first name is a like one",
    "another-surname-elsewhere": "Another last name, and no place agrees",
    "sex-and-forename-differ": "Neither sex nor first name agrees",
    "number-of-a-relative": "The NHS number agrees and the first name does not: it may be a relative's number",
    "number-against-birth-date": "The NHS number agrees and the date of birth does not: it may be somebody else's",
    "twin-of-a-like-name": "May be a twin with a similar first name",
    "middle-name-at-home": "May be somebody of the same home who bears this name as a middle name",
    "practice-of-the-household": "The people of one home mostly share a GP practice, so it counts less",
    "two-slips": "Neither the date of birth nor a name agrees whole",
    "middle-name-of-the-family": "A middle name that brothers and sisters may share, beside another first name",
}


def describe(evidence: Evidence) -> str:
    """One piece of evidence as a sentence for staff; it names no value of anybody."""
    label = LABELS.get(evidence.field)
    if label is None:
        return _INTERACTIONS.get(evidence.field, evidence.field.replace("-", " ").capitalize()) + "."
    return f"{label}: {_LEVELS[evidence.level]}."


def short_label(evidence: Evidence) -> str:
    """What a piece of evidence is about, in a word or two, for the axis of a chart."""
    return LABELS.get(evidence.field) or evidence.field.replace("-", " ").capitalize()


_PHRASES: Final = (
    (0.999, "almost certainly this person"),
    (0.95, "very probably this person"),
    (0.75, "probably this person"),
    (0.25, "could be this person"),
    (0.05, "probably somebody else"),
    (0.0, "very probably somebody else"),
)
"""From which probability on a phrase is said; the first that holds."""


def phrase(probability: float) -> str:
    """A probability in plain words. Raises nothing: what is no number at all is the last phrase."""
    return next((words for least, words in _PHRASES if probability >= least), _PHRASES[-1][1])


_LEAST_SHOWN: Final = 0.0001


def percent(probability: float) -> str:
    """A belief for people, rounded once and here; nothing believed is ever said to be 0 % or 100 %."""
    if probability < _LEAST_SHOWN:
        return "under 0.01%"
    if probability > 1 - _LEAST_SHOWN:
        return "over 99.99%"
    return f"{probability:.2%}"


def weighed(bits: float, probability: float) -> str:
    """Weight, probability and a plain phrase together, as every surface says them."""
    return f"{bits:+.1f} bits, probability {percent(probability)}: {phrase(probability)}"


@dataclass(frozen=True, slots=True)
class Weighing:
    """Everything that one candidate weighs: the evidence, what was believed before, and what is believed now.

    ``prior_bits``: the log2 odds that a candidate is the person before anything was compared, usually negative.
    ``posterior``: its probability among all candidates and "not in this index".
    """

    evidence: tuple[Evidence, ...]
    prior_bits: float
    posterior: float

    @property
    def bits(self) -> float:
        """What the evidence adds up to."""
        return sum(piece.bits for piece in self.evidence)


def as_text(weighing: Weighing) -> str:
    """A weighing as lines for a terminal: what was believed before, the evidence, heaviest first, and the total."""
    pieces = sorted(weighing.evidence, key=lambda piece: -abs(piece.bits))
    lines = [
        f"{weighing.prior_bits:+7.1f}  Before comparing.",
        *(f"{piece.bits:+7.1f}  {describe(piece)}" for piece in pieces),
        f"{weighing.prior_bits + weighing.bits:+7.1f}  Total, in bits (log2 odds against nobody in the index).",
        weighed(weighing.bits, weighing.posterior) + ".",
    ]
    return "\n".join(lines)


def as_json(weighing: Weighing) -> WeighingRecord:
    """A weighing as JSON values, evidence in the model's order, bits to two places, the probability to six."""
    return WeighingRecord(
        prior_bits=round(weighing.prior_bits, 2),
        evidence=[
            EvidenceRecord(field=piece.field, level=piece.level, bits=round(piece.bits, 2), sentence=describe(piece))
            for piece in weighing.evidence
        ],
        bits=round(weighing.bits, 2),
        total=round(weighing.prior_bits + weighing.bits, 2),
        probability=round(weighing.posterior, 6),
        phrase=phrase(weighing.posterior),
    )
