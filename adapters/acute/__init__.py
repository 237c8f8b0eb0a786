"""Acute trusts: HL7 v2 ADT messages from files as UK Core records.

Each message of a file is one row: a `SourceRecord` or a `Quarantined`. Understood are A01 to A05, A08, A11, A13,
A21, A22, A28, A31 and A40; another event is quarantined as ``unsupported-event``. Text before the first message
counts as one row and is quarantined. ``original`` is the message with its segments ended by CR, so that the
same message counts as the same however a file ended its lines. A last message whose last segment is not ended
may have lost its tail and is quarantined as ``truncated-row``.

An A40 is a record of the person who is retired, ``merged_into`` the survivor; it holds both Patients. The
reason for admission (PV2-3) is the trust's own words and stands in ``Encounter.reasonCode.text``.
"""

from adapters.acute.reader import read, read_message

__all__ = ["read", "read_message"]
