"""What an EMIS extract refers to by number: codes, organisations, and problems told in an earlier extract.

A delta leaves out codes, organisations and entries already sent, so the same `Lookups` is handed in again with
the next extract of the practice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.systems import DMD, EMIS_CODE, READ, SNOMED
from adapters.values import BadField

if TYPE_CHECKING:
    from adapters.ukcore import Resource

Cells = dict[str, str]

_READ = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{4}")
_DISEASE_CHAPTERS = frozenset("ABCDEFGHJKLMNPQRSTU")
_PROCEDURE_CHAPTERS = frozenset("78")
_DEEPEST = 20

DISSENT: Final = frozenset({"827241000000103", "9Nu0."})
"""Dissent from secondary use of general practice data: a Type 1 objection, SNOMED CT and Read."""
WITHDRAWN: Final = frozenset({"827261000000102", "9Nu1."})
"""Dissent from secondary use withdrawn."""

ROUTES: Final = {
    "Allergy and adverse drug reactions": "allergy",
    "Allergy and adverse reactions": "allergy",
    "Dental disorder": "condition",
    "Dental procedure": "procedure",
    "Family history": "family",
    "Immunisations": "immunisation",
    "Investigation requests": "request",
    "Referral": "request",
}
"""EMIS code category to what its entries become; the mixed category goes by Read chapter, the rest are Observations."""
MIXED: Final = "Conditions, operations and procedures"
LABORATORY: Final = frozenset(
    {
        "Biochemistry",
        "Cytology/Histology",
        "Haematology",
        "Immunology",
        "Microbiology",
    }
)


@dataclass(frozen=True, slots=True)
class ClinicalCode:
    """One row of Coding_ClinicalCode."""

    term: str
    read: str
    snomed: str
    category: str
    parent: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code comes to: its concept, what an entry with it becomes, and what must be known about it."""

    concept: Resource
    route: str
    laboratory: bool
    codes: frozenset[str]

    @property
    def type1(self) -> str:
        """``dissent``, ``withdrawn`` or blank."""
        if self.codes & DISSENT:
            return "dissent"
        return "withdrawn" if self.codes & WITHDRAWN else ""


@dataclass(slots=True)
class Lookups:
    """Everything later rows refer to. ``problems`` and ``entries`` are rows by ObservationGuid."""

    clinical: dict[str, ClinicalCode] = field(default_factory=dict)
    drugs: dict[str, Meaning] = field(default_factory=dict)
    organisations: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Cells] = field(default_factory=dict)
    entries: dict[str, Cells] = field(default_factory=dict)
    _meanings: dict[str, Meaning] = field(default_factory=dict)

    def add_clinical(self, row: Cells) -> None:
        """Take in one row of Coding_ClinicalCode."""
        self.clinical[row["CodeId"]] = ClinicalCode(
            row["Term"],
            _read_code(row["ReadTermId"]),
            _digits(row["SnomedCTConceptId"]),
            row["EmisCodeCategoryDescription"],
            row.get("ParentCodeId", ""),
        )
        self._meanings.pop(row["CodeId"], None)

    def add_drug(self, row: Cells) -> None:
        """Take in one row of Coding_DrugCode."""
        term, product = row["Term"], _digits(row["DmdProductCodeId"])
        code = ukcore.coding(DMD, product, term) if product else ukcore.coding(EMIS_CODE, row["CodeId"], term)
        self.drugs[row["CodeId"]] = Meaning(
            ukcore.concept(term, code), "drug", laboratory=False, codes=frozenset({product})
        )

    def meaning(self, code_id: str) -> Meaning:
        """Give what a clinical code means.

        Raises:
            BadField: ``unknown-code``, the code was not in this extract nor in an earlier one.
        """
        found = self._meanings.get(code_id)
        if found is None:
            if code_id not in self.clinical:
                raise BadField("CodeId", "unknown-code", "not among the clinical codes sent")
            found = self._meanings[code_id] = self._learn(code_id)
        return found

    def drug(self, code_id: str) -> Meaning:
        """Give what a drug code means.

        Raises:
            BadField: ``unknown-code``, the code was not in this extract nor in an earlier one.
        """
        if code_id not in self.drugs:
            raise BadField("CodeId", "unknown-code", "not among the drug codes sent")
        return self.drugs[code_id]

    def _learn(self, code_id: str) -> Meaning:
        code = self.clinical[code_id]
        codings = []
        if code.snomed:
            codings.append(ukcore.coding(SNOMED, code.snomed, code.term))
        if code.read:
            codings.append(ukcore.coding(READ, code.read))
        if not codings:
            codings.append(ukcore.coding(EMIS_CODE, code_id, code.term))
        route = self._by_chapter(code) if code.category == MIXED else ROUTES.get(code.category, "observation")
        concept = ukcore.concept(code.term, *codings)
        return Meaning(concept, route, code.category in LABORATORY, frozenset({code.snomed, code.read} - {""}))

    def _by_chapter(self, code: ClinicalCode) -> str:
        """Route the mixed category by the Read chapter of the code or of its nearest parent that has one."""
        for _ in range(_DEEPEST):
            if code.read:
                break
            parent = self.clinical.get(code.parent)
            if parent is None:
                return "condition"
            code = parent
        chapter = code.read[:1]
        if chapter in _PROCEDURE_CHAPTERS:
            return "procedure"
        return "condition" if chapter in _DISEASE_CHAPTERS else "observation"


def _digits(text: str) -> str:
    """Give a concept id, read as text because eighteen digits overflow a double; blank where it is none."""
    return text if text.isascii() and text.isdecimal() else ""


@lru_cache(maxsize=1 << 14)
def _read_code(text: str) -> str:
    """Give the five characters of a Read v2 code; blank for an EMIS local code."""
    code = text.split("-", maxsplit=1)[0][:5].ljust(5, ".")
    return code if text and _READ.fullmatch(code) and not text.upper().startswith("EMIS") else ""
