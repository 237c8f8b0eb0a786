"""The addresses that name code systems, identifiers and profiles. Values of FHIR R4, UK Core and NHS England.

Those under ``gateway.example`` are the house's own: no national address exists for what they name.
"""

from __future__ import annotations

from typing import Final

NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
ODS: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
SNOMED: Final = "http://snomed.info/sct"
READ: Final = "http://read.info/readv2"
DMD: Final = "https://dmd.nhs.uk"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10"
UCUM: Final = "http://unitsofmeasure.org"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
HL7_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"
UKCORE_CODES: Final = "https://fhir.hl7.org.uk/CodeSystem/UKCore-"
UKCORE_PROFILE: Final = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
UKCORE_EXTENSION: Final = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"

SECTION_SYSTEM: Final = "https://gateway.example/section"
"""``meta.tag`` system that says which section of an agreement a resource belongs to."""
SENSITIVITY_SYSTEM: Final = "https://gateway.example/sensitivity"
"""``meta.security`` system of the house's own label SENSITIVE."""
QUALITY_SYSTEM: Final = "https://gateway.example/quality"
"""``meta.tag`` system for what a reader should know about a value, such as an hour that came twice."""
CLD: Final = "https://gateway.example/cld/"
"""Local code systems for the value lists of the adult social care client level return, one for each list."""
EMIS_CODE: Final = "https://gateway.example/emis/code-id"
LOCAL_ID: Final = "https://gateway.example/Id/"
"""Local identifiers: followed by the source and the sender's code."""
CONTENT_HASH: Final = "https://gateway.example/Id/sha-256"
"""Identifier system of a row or message as received: the SHA-256 of its bytes, in hexadecimal."""
