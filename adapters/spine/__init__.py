"""The Spine's way of telling a person: the population index CSV, and Patients in the shape of the PDS FHIR API."""

from adapters.spine.index import COLUMNS, Death, IndexRow, index_rows
from adapters.spine.pds import pds_patient

__all__ = ["COLUMNS", "Death", "IndexRow", "index_rows", "pds_patient"]
