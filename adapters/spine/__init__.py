"""The Spine's ways of telling a person: index files, PDS-shaped Patients, and the national batch tracing files."""

from adapters.spine.asked import asked_of
from adapters.spine.index import COLUMNS, Death, IndexRow, index_rows
from adapters.spine.index_json import patient_rows
from adapters.spine.index_practice import practice_rows
from adapters.spine.pds import pds_patient

__all__ = ["COLUMNS", "Death", "IndexRow", "asked_of", "index_rows", "patient_rows", "pds_patient", "practice_rows"]
