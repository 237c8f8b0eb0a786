"""Use case: a controller's signature. Widening binds a controller's data from here on, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import InputError, NotFound
from gateway.register import ADDENDUM
from gateway.storage.agreements import Signature
from ig.terms import PartyRole

if TYPE_CHECKING:
    from gateway.auth.caller import Caller
    from gateway.house import House
    from ig.terms import Agreement

_CONTROLLER = "controller"


def sign(  # noqa: PLR0913 - a signature has these parts
    house: House,
    caller: Caller,
    agreement_id: str,
    organisation: str,
    *,
    signatory: str,
    evidence: str,
    addendum: str = "",
) -> str:
    """Record that ``organisation`` has signed the newest version of an agreement, or one of its addenda.

    ``evidence`` says where the signature can be seen; it stands in the ledger, and the signature in the register.
    Returns what was signed. A signature given before stays as it was.

    Raises:
        NotFound: no such agreement, or no such addendum in its newest version.
        InputError: the organisation is not a controller of it.
        Unavailable: the ledger cannot take the row; nothing is changed.
    """
    agreement = _newest(house, agreement_id)
    capacity = _addendum(agreement, addendum) if addendum else _CONTROLLER
    controllers = {party.ods for party in agreement.parties if party.role is PartyRole.CONTROLLER}
    if organisation not in controllers:
        message = f"--organisation: one of the agreement's controllers, {', '.join(sorted(controllers))}"
        raise InputError(message, reason="not-a-controller", field="organisation")
    signed = f"{agreement.id}@{agreement.version}" + (f"+{addendum}" if addendum else "")
    house.gate.administer(caller, "isa:sign", signed, organisation=organisation, evidence=evidence)
    with house.stores.transaction() as tx:
        signature = Signature(agreement.hash, organisation, signatory, capacity, house.now())
        house.stores.governance.agreements.sign(tx, signature)
    return signed


def _addendum(agreement: Agreement, addendum: str) -> str:
    """The capacity in which an addendum is signed: bound to its text, so that it counts for no other."""
    for one in agreement.addenda:
        if one.id == addendum:
            return f"{ADDENDUM}{one.id}#{one.hash}"
    raise NotFound("this version has no such addendum", reason="addendum")


def _newest(house: House, agreement_id: str) -> Agreement:
    versions = [one for one in house.register().agreements if one.id == agreement_id]
    if not versions:
        raise NotFound("there is no such agreement", reason="agreement")
    return max(versions, key=lambda one: one.version)
