"""Small hand-made feeds of each source, and the folder of public specifications where it is there."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable

_SPECS = Path(__file__).parents[3] / "shared" / "specs"

_CLD = {
    "LA Code": "999",
    "NHS Number": "999 000 1006",
    "LA Person Unique Identifier": "100234",
    "First Name": "Ada",
    "Last Name": "Testperson",
    "GP Practice Code": "z99999",
    "Gender": "Female",
    "Ethnicity": "Asian or Asian British: Chinese",
    "Date of Birth": "07/03/1941",
    "Client Type": "Service user",
    "Primary Support Reason": "Physical support: Personal care support",
    "Postcode": "zz99 3cz",
    "Has Unpaid Carer": "Yes",
    "Dementia": "Unknown",
    "Event Type": "Request",
    "Event Reference": "R-5001",
    "Event Start Date": "02/03/2026",
    "Event End Date": "2026-03-02",
    "Event Outcome": "NFA: Other",
}

_EMIS = {
    "Agreements_SharingOrganisation": "OrganisationGuid,IsActivated,Disabled,Deleted\n{A},true,false,false\n",
    "Admin_Organisation": "OrganisationGuid,OrganisationName,ODSCode,ProcessingId\n{A},Example Surgery,z99999,1\n",
    "Admin_Patient": (
        "PatientGuid,OrganisationGuid,Sex,DateOfBirth,DateOfDeath,GivenName,MiddleNames,Surname,DateOfRegistration,"
        "NhsNumber,PatientTypeDescription,DummyType,NumberAndStreet,Town,Postcode,NHSNumberStatus,DateOfDeactivation,"
        "Deleted,SpineSensitive,IsConfidential,MobilePhone,ProcessingId\n"
        "{P1},{A},F,1941-03-07,,Ada,Mary,Testperson,2003-06-01,9990001006,Regular,false,1 Sample Street,Exampleton,"
        "ZZ99 3CZ,Verified,,false,false,false,07700900001,1\n"
    ),
    "Coding_ClinicalCode": (
        "CodeId,Term,ReadTermId,SnomedCTConceptId,EmisCodeCategoryDescription,ProcessingId,ParentCodeId\n"
        '1,Heart failure,G58..00,84114007,"Conditions, operations and procedures",1,\n'
        "2,Serum creatinine level,44J3.00,1000731000000107,Biochemistry,2,\n"
        "3,Allergy to penicillin,14L1.,91936005,Allergy and adverse drug reactions,3,\n"
        "4,Influenza vaccination,65E..,86198006,Immunisations,4,\n"
        "5,FH: Diabetes,1252.,160303001,Family history,5,\n"
        "6,Referral to physiotherapist,8H77.,183545006,Referral,6,\n"
        '7,Appendicectomy,7700.,80146002,"Conditions, operations and procedures",7,\n'
        '8,A local kind of operation,EMISNQ1,,"Conditions, operations and procedures",8,7\n'
        '9,Adrift,EMISNQ2,,"Conditions, operations and procedures",9,404\n'
        "10,Dissent from secondary use,9Nu0.,827241000000103,Administration,10,\n"
        "11,Dissent withdrawn,9Nu1.,827261000000102,Administration,11,\n"
        '12,HIV infection,A788.,86406008,"Conditions, operations and procedures",12,\n'
        '13,Occupation,0....,14679004,"Conditions, operations and procedures",13,\n'
    ),
    "Coding_DrugCode": (
        "CodeId,Term,DmdProductCodeId,ProcessingId\n1,Furosemide 40mg tablets,317972003,1\n2,Local mixture,,2\n"
    ),
}


@pytest.fixture
def make_feed() -> Callable[[str, bytes | str], Feed]:
    """Make a feed of a name and its content."""

    def make(name: str, content: bytes | str) -> Feed:
        data = content.encode() if isinstance(content, str) else content
        return Feed(name, lambda: BytesIO(data))

    return make


@pytest.fixture
def cld(make_feed: Callable[[str, bytes | str], Feed]) -> Callable[..., Feed]:
    """Make a client level file with one good row for each mapping given, changed as it says."""

    def make(*changes: dict[str, str]) -> Feed:
        names = list(dict.fromkeys([*_CLD, *(name for change in changes for name in change)]))
        rows = [",".join(f'"{(_CLD | change).get(name, "")}"' for name in names) for change in changes]
        return make_feed("cld.csv", "\r\n".join([",".join(f'"{name}"' for name in names), *rows, ""]))

    return make


@pytest.fixture
def emis(make_feed: Callable[[str, bytes | str], Feed]) -> Callable[..., list[Feed]]:
    """Make an extract folder: every table the reader needs, and the tables given over or beside them."""

    def make(**tables: str) -> list[Feed]:
        stamp = "20260312020000_3F0C2A10-0000-4000-8000-0000000000FF"
        return [make_feed(f"291_{table}_{stamp}.csv", text) for table, text in (_EMIS | tables).items() if text]

    return make


@pytest.fixture
def emis_table() -> Callable[[str], str]:
    """Give the text of one of the tables that `emis` makes."""
    return _EMIS.__getitem__


@pytest.fixture
def adt() -> Callable[..., str]:
    """Write one ADT message, segments ended by CR; ``event`` and any segment can be replaced, or left out by None."""

    def make(event: str = "A01", control: str = "M1", **segments: str | None) -> str:
        held = {
            "MSH": f"MSH|^~\\&|PAS|RZZ|TIE|RZZ|20260301102000||ADT^{event}|{control}|P|2.4",
            "EVN": f"EVN|{event}|20260301102000",
            "PID": "PID|1||9990001006^^^NHS^NH~1234567^^^RZZ^PI||TESTPERSON^ADA^MARY^^MRS^^L||19410307|2|||"
            "1 SAMPLE STREET^^EXAMPLETON^ESSEX^ZZ99 3CZ^GBR^H||01632960001^PRN^PH||ENG|W||||||A||||||||N||NSTS01",
            "PD1": "PD1|||EXAMPLE SURGERY^^Z99999",
            "PV1": "PV1|1|I|W12^B3^4^RZZ01|21|||C9999998^CONSULTANT^TEST^^^MR|||300||||19|||||E1234567^^^RZZ^VN"
            "|||||||||||||||||1|19|||||||20260301101500|",
            **segments,
        }
        return "".join(f"{text}\r" for text in held.values() if text is not None)

    return make


@pytest.fixture
def specs() -> Callable[[str], Path]:
    """Give a folder of the public specifications, or skip the test by name where they are not beside us."""

    def find(name: str) -> Path:
        folder = _SPECS / name
        if not folder.is_dir():
            pytest.skip(f"../shared/specs/{name} is not here")
        return folder

    return find
