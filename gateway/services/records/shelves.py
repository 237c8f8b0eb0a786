"""Which section of an agreement a resource belongs to: the policy's own rule, asked once, when it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.storage.records import Shelf
from ig.purpose import Dataset, Section
from ig.redact import section_of

if TYPE_CHECKING:
    from adapters.feed import SourceRecord

DATASET_OF: Final = {"social-care": Dataset.SOCIAL_CARE, "gp": Dataset.GP, "acute": Dataset.ACUTE}


def dataset_of(source: str) -> Dataset:
    """Return the dataset that a source's records belong to; a tabular feed's are acute until its map says otherwise."""
    return DATASET_OF.get(source, Dataset.ACUTE)


def shelf_of(record: SourceRecord, resource: dict[str, Any]) -> Shelf:
    """Return the shelf of one resource. What belongs to no section is shelved where no role is granted to look."""
    section = section_of(resource, dataset_of(record.source)) or Section.SENSITIVE
    return Shelf(section, sensitive=section is Section.SENSITIVE)
