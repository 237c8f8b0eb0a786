"""Agreements: checked, put in force, suspended, listed, and laid open as a matrix of who may see what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gateway.errors import Conflict, InputError, NotFound
from gateway.storage.agreements import AgreementText
from ig.agreement import AgreementFault, Severity, lint, load
from ig.lifecycle import TransitionRefused, check_transition
from ig.matrix import differences, matrix
from ig.register import RegisterFault
from ig.terms import Status

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.house import House
    from ig.terms import Agreement


_LONDON: Final = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class AgreementSummary:
    """One agreement as a list shows it; dates are ISO, days of London; ``lapses`` says what has run out."""

    id: str
    version: int
    title: str
    kind: str
    status: str
    valid_from: str
    valid_to: str
    review_by: str
    parties: tuple[str, ...]
    hash: str
    lapses: tuple[str, ...]


def check(text: str) -> list[str]:
    """Return what is wrong with a text, each with its line: strict reading first, then the linter."""
    try:
        agreement = load(text)
    except AgreementFault as fault:
        return [str(fault)]
    return [f"line {found.line}: {found.severity}: {found.message} [{found.rule}]" for found in lint(agreement)]


def activate(house: House, caller: Caller, text: str) -> str:
    """Put a version in force; the one before it is superseded. Returns its reference ``ID@version``.

    Raises:
        InputError: the text does not read or has lint errors, or leaves a gap between versions.
        Conflict: that version is there with another content, or its status may not become active.
        Unavailable: the ledger cannot take the row; nothing is changed.
    """
    agreement = _sound(text)
    held = house.register()
    present = held.status(agreement.id, agreement.version)
    if present is not None and present is not Status.ACTIVE:
        _check(present, Status.ACTIVE)
    if present is None:
        _fits(house, agreement)
    reference = f"{agreement.id}@{agreement.version}"
    house.gate.administer(caller, "isa:activate", reference, hash=agreement.hash[:12])
    with house.stores.transaction() as tx:
        store = house.stores.governance.agreements
        stored = AgreementText(agreement.id, str(agreement.version), agreement.hash, text, Status.ACTIVE.value)
        store.put(tx, stored)
        store.set_status(tx, agreement.hash, Status.ACTIVE.value)
        for older in held.agreements:
            live = held.status(*older.key) in (Status.ACTIVE, Status.SUSPENDED)
            if older.id == agreement.id and older.version < agreement.version and live:
                store.set_status(tx, older.hash, Status.SUPERSEDED.value)
    return reference


def _sound(text: str) -> Agreement:
    try:
        agreement = load(text)
    except AgreementFault as fault:
        raise InputError(str(fault), reason="agreement", field="text") from None
    bad = [found for found in lint(agreement) if found.severity is Severity.ERROR]
    if bad:
        raise InputError(f"line {bad[0].line}: {bad[0].message}", reason=f"lint-{bad[0].rule}", field="text")
    return agreement


def _fits(house: House, agreement: Agreement) -> None:
    try:
        house.register().with_agreement(agreement)
    except RegisterFault as fault:
        raise InputError(str(fault), reason="agreement-version", field="version") from None


def _check(present: Status, wanted: Status) -> None:
    try:
        check_transition(present, wanted)
    except TransitionRefused as refused:
        raise Conflict(str(refused), reason="agreement-status") from None


def suspend(house: House, caller: Caller, agreement_id: str, reason: str) -> None:
    """Stop everything under an agreement from the next request on. One person's act.

    Raises:
        NotFound: no version of it is in force.
        Unavailable: the ledger cannot take the row; nothing is changed.
    """
    register = house.register()
    live = [a for a in register.agreements if a.id == agreement_id and register.status(*a.key) is Status.ACTIVE]
    if not live:
        raise NotFound("no version of this agreement is in force", reason="agreement")
    house.gate.administer(caller, "isa:suspend", agreement_id, reason=reason)
    with house.stores.transaction() as tx:
        for agreement in live:
            house.stores.governance.agreements.set_status(tx, agreement.hash, Status.SUSPENDED.value)


def listing(house: House) -> list[AgreementSummary]:
    """Every version in the register, by id and version."""
    register, now = house.register(), house.now()
    lapses = {live.terms.key: live.lapses for live in register.effective(now).live}
    return [
        AgreementSummary(
            id=agreement.id,
            version=agreement.version,
            title=agreement.title,
            kind=agreement.kind,
            status=str(register.status(*agreement.key)),
            valid_from=_day(agreement.valid_from),
            valid_to=_day(agreement.valid_to),
            review_by=_day(agreement.review_by),
            parties=tuple(party.ods for party in agreement.parties),
            hash=agreement.hash,
            lapses=lapses.get(agreement.key, ()),
        )
        for agreement in sorted(register.agreements, key=lambda a: a.key)
    ]


def _day(instant: datetime) -> str:
    """An agreement's days begin at midnight in London."""
    return f"{instant.astimezone(_LONDON):%Y-%m-%d}"


def matrix_lines(house: House) -> list[str]:
    """Who may see what, one line a grant and role, found by asking the policy."""
    return [str(cell) for cell in matrix(house.register(), house.now())]


def diff_lines(house: House, text: str) -> list[str]:
    """What would widen and what would narrow if ``text`` were in force.

    Raises:
        InputError: the text does not read or has lint errors, or that version cannot follow those that are here.
    """
    agreement = _sound(text)
    _fits(house, agreement)
    before = house.register()
    after = before.with_agreement(agreement).with_status(agreement.id, agreement.version, Status.ACTIVE)
    return [str(line) for line in differences(before, after, house.now())]
