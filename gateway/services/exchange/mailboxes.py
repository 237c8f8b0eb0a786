"""Who may send to the mailbox, and in whose name its files are traced: for governance to say, and for the ledger."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.errors import InputError, NotPermitted
from gateway.gate.gate import STEWARDS
from gateway.services.governance.callers import named_caller
from gateway.storage.mailbox import MessageState, Sender
from ig.purpose import Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.auth.caller import Caller
    from gateway.house import House

FILES: Final = frozenset({Role.DATA_TEAM})
"""Who puts files into the mailbox and takes them out."""
_MAILBOX: Final = re.compile(r"[A-Z0-9]{1,32}", re.ASCII)


def allow(house: House, caller: Caller, mailbox: str, subject: str) -> Sender:
    """Trace what comes from a mailbox in the name of a registered caller, from the next file on.

    Raises:
        InputError: that is no mailbox id.
        NotPermitted: the caller is not registered for a demographic trace, or the caller's role does not say who may
            send; that try is recorded.
    """
    sender = Sender(mailbox_id(mailbox), subject)
    named_caller(house, subject, Purpose.DEMOGRAPHIC_TRACE)
    _administer(house, caller, STEWARDS, "mesh:allow", sender.mailbox, in_the_name_of=subject)
    with house.stores.transaction() as tx:
        house.stores.mailbox.allow(tx, sender)
    return sender


def deny(house: House, caller: Caller, mailbox: str) -> None:
    """Trace nothing more that comes from a mailbox.

    Raises:
        InputError: that is no mailbox id.
        NotFound: it is not on the list.
        NotPermitted: the caller's role does not say who may send; the try is recorded.
    """
    given = mailbox_id(mailbox)
    _administer(house, caller, STEWARDS, "mesh:deny", given)
    with house.stores.transaction() as tx:
        house.stores.mailbox.deny(tx, given)


def settle(house: House, caller: Caller, message_id: str, *, sent: bool) -> None:
    """Say of a response that MESH tells nothing of whether it was sent; if not, the next poll sends it.

    Raises:
        Conflict: its sending has not been begun, has been found out meanwhile, or a poller is at it.
        NotPermitted: the caller's role does not say so; the try is recorded.
    """
    _administer(house, caller, STEWARDS, "mesh:settle", message_id, sent=sent)
    house.stores.mailbox.settle(message_id, MessageState.SENT if sent else MessageState.ANSWERED)


def act_on_files(house: House, caller: Caller, action: str, target: str, **details: str | int) -> None:
    """Record that a file is about to be put into the mailbox, or taken out of it.

    Raises:
        NotPermitted: that is for a data team; the try is recorded.
        Unavailable: the ledger cannot take the row; do not go on.
    """
    _administer(house, caller, FILES, action, target, **details)


def _administer(
    house: House, caller: Caller, roles: Collection[Role], action: str, target: str, **details: str | int
) -> None:
    refused = caller.role not in roles
    house.gate.administer(caller, action, target, **details, refused=refused)
    if refused:
        raise NotPermitted("your role does not look after the mailbox", reason="role-not-permitted")


def mailbox_id(text: str) -> str:
    """Return a mailbox's id as MESH writes it.

    Raises:
        InputError: that is none.
    """
    given = text.strip().upper()
    if not _MAILBOX.fullmatch(given):
        raise InputError("MAILBOX: up to 32 letters and digits", reason="mailbox", field="mailbox")
    return given
