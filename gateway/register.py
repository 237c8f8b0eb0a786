"""From stored texts, statuses and signatures to the register that decisions are made by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import Unavailable
from ig.agreement import AgreementFault, load
from ig.register import Register, RegisterFault
from ig.terms import Signature, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.storage.agreements import AgreementText
    from gateway.storage.agreements import Signature as StoredSignature
    from ig.terms import Agreement


def make_register(texts: Iterable[AgreementText], signatures: Iterable[StoredSignature]) -> Register:
    """Parse every stored version and join its signatures.

    Raises:
        Unavailable: a stored text no longer reads, or versions contradict each other; nothing is decided then.
    """
    try:
        parsed = {text.hash: (load(text.text), text) for text in texts}
        agreements = tuple(agreement for agreement, _ in parsed.values())
        statuses = {agreement.key: Status(text.status) for agreement, text in parsed.values()}
        kept = (_signature(parsed[one.agreement_hash][0], one) for one in signatures)
        return Register(agreements, tuple(kept), statuses)
    except (AgreementFault, RegisterFault) as fault:
        raise Unavailable("the register of agreements cannot be read", reason="register") from fault


def _signature(agreement: Agreement, stored: StoredSignature) -> Signature:
    """A stored signature; where it is to an addendum, ``capacity`` holds the addendum's id and the hash of its text."""
    addendum, _, text = stored.capacity.removeprefix(ADDENDUM).partition("#")
    to_addendum = stored.capacity.startswith(ADDENDUM)
    return Signature(
        agreement=agreement.id,
        version=agreement.version,
        ods=stored.organisation,
        signed=stored.signed_at,
        addendum=addendum if to_addendum else "",
        text_hash=text if to_addendum else agreement.hash,
    )


ADDENDUM = "addendum:"
"""Prefix of a stored signature's capacity when an addendum was signed, not the version: ``addendum:A1#hash``."""
