"""The shipped model for the reference: every number of the file as tables, its schema, and one pair weighed by it.

The example is a record, a person of the index and her twin, made up for it and weighed in an index of a million people.
No name is written alike on both sides, so that no frequency moves a weight and the figures are the file's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from gateway import charts
from gateway.storage.models import shipped_model
from linkage.compare import VOCABULARY
from linkage.decide import Candidate, Finding, Matcher
from linkage.explain import LABELS, Evidence, Weighing, as_text, describe
from linkage.frequencies import Frequencies
from linkage.model import Use, json_schema
from linkage.normalise import normalise
from linkage.person import Demographics
from linkage.reasons import sentence
from linkage.score import APPLIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from linkage.model import Condition, Weight

PEOPLE: Final = 1_000_000
"""How many people the index of the example has."""

ASKED: Final = Demographics(
    family="MacDonald",
    given="Katie",
    birth_date="1984-07-05",
    gender="female",
    postcode="LE2 6QT",
)
"""What the council's record says: no number, a short first name, the surname another way, an earlier postcode."""

HELD: Final = Demographics(
    nhs_number="9990000018",
    family="McDonald",
    given="Catherine",
    birth_date="1984-07-05",
    gender="female",
    postcode="LE5 1AB",
    previous_postcode=("LE2 6QT",),
    gp_practice="Z99001",
)
"""What the index says of the person."""

SISTER: Final = Demographics(
    nhs_number="9990000026",
    family="McDonald",
    given="Laura",
    birth_date="1984-07-05",
    gender="female",
    postcode="LE5 1AB",
    previous_postcode=("LE2 6QT",),
    gp_practice="Z99001",
)
"""Her twin, in the same index."""


def levels() -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Yield the name of each field with its levels: level, meaning, bits, what the bits move with."""
    model = shipped_model()
    for field, ladder in VOCABULARY.items():
        weights = model.comparisons[field]
        yield (
            f"{LABELS[field]} (`{field}`)",
            [
                (level, _meaning(field, level), f"{weights[level].bits:+.1f}", _moves(weights[level]))
                for level in ladder
            ],
        )


def _meaning(field: str, level: str) -> str:
    return describe(Evidence(field, level, 0.0)).removeprefix(f"{LABELS.get(field)}: ").rstrip(".")


def _moves(weight: Weight) -> str:
    moves = ("the name's own frequency" * weight.frequency, "the size of the index" * weight.per_person)
    return ", ".join(filter(None, moves))


def interactions() -> list[tuple[str, str, str, str]]:
    """Every interaction: name, what a reviewer reads, bits, when it applies."""
    return [
        (
            rule.name,
            describe(Evidence(rule.name, APPLIES, rule.bits)).rstrip("."),
            f"{rule.bits:+.1f}",
            _when(rule.when),
        )
        for rule in shipped_model().interactions
    ]


def vetoes() -> list[tuple[str, str, str]]:
    """Every veto: name, what a reviewer reads, when it applies."""
    return [(rule.name, sentence(rule.name), _when(rule.when)) for rule in shipped_model().vetoes]


def groups() -> list[tuple[str, str]]:
    """Every group of fields that counts as one agreement, and when it does."""
    return [(name, _when(when)) for name, when in shipped_model().groups.items()]


def thresholds() -> list[tuple[str, ...]]:
    """The thresholds of each use: match, review, lead over the next, groups that must agree, steps."""
    return [
        (use.value, f"{rule.match:g}", f"{rule.review:g}", f"{rule.gap:g}", str(rule.agreeing), ", ".join(rule.steps))
        for use, rule in ((use, shipped_model().thresholds[use]) for use in Use)
    ]


def frequencies() -> list[tuple[str, ...]]:
    """How the frequency of a name moves its weight, by field."""
    return [
        (field, f"{rule.strength:g}", f"{rule.typical:g}", f"{rule.pull:g}", f"{rule.floor:g}")
        for field, rule in shipped_model().term_frequencies.items()
    ]


def others() -> list[tuple[str, str, str]]:
    """What else the file holds: place in the file, value, meaning."""
    model = shipped_model()
    knots = ", ".join(f"{knot.odds:g} → {knot.calibrated:g}" for knot in model.calibration)
    return [
        ("name, version", f"{model.name} {model.version}", "what reports call it"),
        ("hash", model.hash, "SHA-256 of the content, not of the layout; worked out, not written in the file"),
        ("schema_version", str(model.schema_version), "of the file format; a file of a later one is refused"),
        ("normalisation", str(model.normalisation), "of the rules by which people are prepared; another is refused"),
        ("keys", ", ".join(model.keys), "by which candidates are found"),
        ("prior.coverage", f"{model.prior.coverage:g}", "share of the people asked about who are in the index"),
        ("prior.least_people", f"{model.prior.least_people:,}", "a smaller index counts as one of this size"),
        (
            "prior.reference_people",
            f"{model.prior.reference_people:,}",
            "the size of the index at which the bits of what few people share are given",
        ),
        ("calibration", knots or "none", "log2 odds as claimed → as they turned out; straight in between"),
        *((f"provenance.{name}", str(said), "") for name, said in model.provenance.items()),
    ]


def schema() -> str:
    """The JSON Schema of a model file."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


def example() -> str:
    """The decision on the example and what each of the two candidates weighs, as `gateway explain` prints it."""
    found, matcher = _traced()
    candidates = (one for one in (found.best, *found.others) if one is not None)
    parts = [
        f"{name}\n{as_text(Weighing(one.evidence, -matcher.scorer.prior_bits, one.posterior))}"
        for name, one in zip(("Catherine McDonald", "Laura McDonald, her twin"), candidates, strict=True)
    ]
    lead = f"; {found.gap:.1f} bits ahead of the next" if found.gap is not None else ""
    text = "\n\n".join((*parts, f"{found.outcome}: {sentence(found.reason)}{lead}."))
    return f"```text\n{text}\n```\n"


def waterfall() -> str:
    """The best candidate of the example as the picture that reviewers see."""
    found, matcher = _traced()
    best = found.best
    assert best is not None  # the twins are in the index
    prior = -matcher.scorer.prior_bits
    title = "Catherine McDonald against the council's record"
    return charts.waterfall(best.evidence, prior_bits=prior, posterior=best.posterior, title=title) + "\n"


def _traced() -> tuple[Finding, Matcher]:
    model = shipped_model()
    people = [normalise(name) for name in (HELD, SISTER)]
    matcher = Matcher(model, Frequencies({}, PEOPLE), PEOPLE)
    candidates = [Candidate(person.nhs_number.digits if person.nhs_number else "", person) for person in people]
    return matcher.trace(normalise(ASKED), candidates), matcher


def _when(conditions: Iterable[Condition]) -> str:
    return "; or ".join(
        " and ".join(f"{field} {' / '.join(wanted)}" for field, wanted in condition.items()) for condition in conditions
    )
