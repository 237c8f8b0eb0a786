"""What people type when they do not know: values that stand for "unknown" and must never link anyone.

Normalisation drops them, so they are neither compared nor keyed. The lists are documented here, once;
a value that is missing from them is added here and nowhere else.

Sources: the NHS Data Dictionary's default codes (ZZ99 postcodes, V81997 to V81999), the junk forenames
of newborn and unidentified patients (baby, twin, infant), and the default dates of common systems.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from linkage.person import PartialDate


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for lists that are read better than they are quoted."""
    return frozenset(text.split())


TITLES: Final = word_set(
    """
    MR MRS MS MISS MX DR PROF PROFESSOR REV REVD REVEREND CLLR
    """
)
"""Words that travel in name fields and are nobody's name. Major, Prince and King are left alone: they are."""

TITLES_BEFORE: Final = word_set(
    """
    SIR DAME MASTER LORD LADY HON HAJI HAJJI HAJJA ALHAJI ALHAJA CHIEF
    """
)
"""Titles only where a name follows: they are surnames and forenames too."""

HONOURS_AFTER: Final = word_set(
    """
    JR JNR SR SNR ESQ ESQUIRE II III MBE OBE CBE BEM KBE DBE QC PHD
    """
)
"""What is written after a name. Left alone are Ma, Md, Ba and KC: they are names of people in England."""

NOT_NAMES: Final = word_set(
    """
    UNKNOWN UNK NK NKN NOTKNOWN NONAME NOSURNAME NOFORENAME NFN NLN NIL NONE NULL NOTGIVEN NOTSTATED
    NOTRECORDED ANONYMOUS ANON UNNAMED UNIDENTIFIED UNBORN BABY BABYBOY BABYGIRL BABYOF INFANT NEWBORN TWIN
    TWINONE TWINTWO TWINA TWINB TRIPLET MALE FEMALE PATIENT CLIENT TEST TESTING
    TESTPATIENT DUMMY DUPLICATE DELETED DELETE DONOTUSE INVALID ERROR MERGED TBC TBA XX XXX XXXX XXXXX ZZZ ZZZZ
    ASDF SURNAME FORENAME FIRSTNAME LASTNAME FAMILYNAME GIVENNAME DECEASED RIP TWINI TWINII TRIPLETONE TRIPLETTWO
    TRIPLETTHREE UNK UNKN NOTAVAILABLE NONEGIVEN NOTAPPLICABLE
    """
)
"""Whole names, spaces removed, that mean "no name": never compared, never keyed.

Man, Child, Boy and Na are left out: they are surnames of people in England.
"""

JUNK_WORDS: Final = word_set(
    """
    BABY TWIN INFANT NEWBORN TRIPLET BOY GIRL MALE FEMALE UNKNOWN
    """
)
"""Words dropped from a list of forenames wherever they stand: "Twin One Aisha" is Aisha."""

JUNK_OF_A_SURNAME: Final = word_set(
    """
    BABY TWIN INFANT NEWBORN TRIPLET
    """
)
"""Words dropped from a surname of several: "Baby Khan" is Khan. Boy and Girl are surnames too."""

TEST_PREFIXES: Final = ("XXTEST", "ZZTEST", "ZZZTEST", "TESTPATIENT")
"""Beginnings of the test patients' surnames of NHS systems."""

_DATES: Final = frozenset({(1900, 1, 1), (1901, 1, 1), (1911, 11, 11), (1899, 12, 30), (1899, 12, 31)})
_FIRST_PLAUSIBLE_YEAR: Final = 1895
_LAST_PLAUSIBLE_YEAR: Final = 2100

POSTCODE_AREAS: Final = frozenset({"ZZ", "XX", "AA", "QQ", "NF"})
"""Areas that Royal Mail never used: ZZ99 of the Data Dictionary, NF for "no fixed abode", typists' own."""

PRACTICES: Final = frozenset({"V81997", "V81998", "V81999"})
"""No registered practice, not applicable, not known."""

EMAIL_NAMES: Final = word_set(
    """
    none no noemail nomail na nil null unknown test noreply donotreply email
    """
)
"""What stands before the @ of an address that is nobody's."""

_PHONES: Final = frozenset({"01234567890", "0123456789", "07123456789", "07777777777", "07123123123", "01111111111"})
_FEWEST_DIFFERENT_DIGITS: Final = 3


def is_name(folded: str) -> bool:
    """Whether a folded name is one, and not a stand-in for one."""
    compact = folded.replace(" ", "")
    # "N/A" folds to two letters apart, the surname Na to one word
    if not compact or folded == "N A":
        return False
    return compact not in NOT_NAMES and not compact.startswith(TEST_PREFIXES)


def is_date(when: PartialDate) -> bool:
    """Whether a date may be somebody's, and not the default of a system."""
    if not _FIRST_PLAUSIBLE_YEAR <= when.year <= _LAST_PLAUSIBLE_YEAR:
        return False
    return (when.year, when.month, when.day) not in _DATES


def is_phone(digits: str) -> bool:
    """Whether a run of digits may be somebody's telephone: not a pattern a bored hand types."""
    return digits not in _PHONES and len(set(digits)) >= _FEWEST_DIFFERENT_DIGITS
