"""Maps that ship with the house, as data."""

from __future__ import annotations

from typing import Final

NHS111: Final = """\
map: nhs111
title: NHS 111 contacts, one row a call
resource: encounter
class: VR
section: encounters
dates: iso
columns:
  record_id: CaseRef
  person_id: PatientRef
  organisation: ProviderODS
  nhs_number: NHSNumber
  family: Surname
  given: Forename
  birth_date: DateOfBirth
  gender: Gender
  address_line1: AddressLine1
  town: Town
  postcode: Postcode
  phone: Telephone
  gp_practice: GPPracticeODS
  start: CallStart
  end: CallEnd
  type: Disposition
  reason: SymptomGroup
gender:
  M: male
  F: female
  I: other
  U: unknown
ignore:
  - CallerRelationship
  - SkillSet
"""

SHIPPED: Final = {"nhs111": NHS111}
"""Map name to its YAML text, for `load_map`."""
