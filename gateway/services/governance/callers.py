"""Callers: who may ask at all, in which role, and for which purposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.auth.caller import Caller, Kind
from gateway.errors import InputError, NotPermitted
from gateway.storage.callers import ACTIVE, StoredCaller
from ig.purpose import OrgClass, Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.house import House

SYSTEM_CHANGES = "system-changes"
SYSTEM_INDEX = "system-index"
SYSTEM_INGEST = "system-ingest"
SYSTEM_LINK = "system-link"
SYSTEM_RELEASE = "system-release"
SYSTEM_OUTBOUND = "system-outbound"
SYSTEM_MESH = "system-mesh"


def named_caller(house: House, subject: str, purpose: Purpose) -> Caller:
    """Return a registered caller asking for ``purpose``.

    Raises:
        NotPermitted: the caller is unknown, revoked, or not registered for this purpose.
    """
    stored = house.stores.governance.callers.get(subject)
    if stored is None or stored.state != ACTIVE:
        raise NotPermitted("this caller is not registered or has been revoked", reason="caller-unknown")
    if purpose not in stored.purposes:
        raise NotPermitted("this caller is not registered for this purpose", reason="purpose-not-registered")
    return as_caller(stored, purpose)


def as_caller(stored: StoredCaller, purpose: Purpose, session: str = "") -> Caller:
    """Return the asker that a stored caller is for one purpose."""
    return Caller(
        stored.subject,
        stored.name,
        stored.organisation,
        OrgClass(stored.org_class),
        Role(stored.role),
        purpose,
        Kind(stored.kind),
        stored.persona,
        session,
    )


def add(  # noqa: PLR0913, PLR0917 - a caller has these parts
    house: House,
    subject: str,
    name: str,
    organisation: str,
    org_class: OrgClass,
    role: Role,
    purposes: Sequence[str],
    *,
    kind: Kind = Kind.HUMAN,
    persona: str = "",
) -> None:
    """Register a caller, or bring one up to date.

    Raises:
        InputError: a purpose is not one of ours, or a system administrator is to be given a purpose.
    """
    try:
        wanted = [Purpose(purpose.strip()) for purpose in purposes]
    except ValueError:
        raise InputError(f"purposes: each one of {', '.join(Purpose)}", reason="purpose", field="purposes") from None
    if role is Role.SYSTEM_ADMIN and wanted:
        raise InputError("a system administrator holds no data grants", reason="separation", field="role")
    stored = StoredCaller(
        subject, name, organisation, org_class.value, role.value, kind.value, tuple(wanted), persona=persona
    )
    with house.stores.transaction() as tx:
        house.stores.governance.callers.put(tx, stored)


def listing(house: House) -> list[StoredCaller]:
    """Every caller, by subject."""
    return house.stores.governance.callers.all()


def revoke(house: House, subject: str) -> None:
    """Shut a caller out at once, tokens and sessions included.

    Raises:
        NotFound: there is no such caller.
    """
    with house.stores.transaction() as tx:
        house.stores.governance.callers.revoke(tx, subject)
