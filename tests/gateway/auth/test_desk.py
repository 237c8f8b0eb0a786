"""Whoever a token or session names must still be who it says, and still hold its purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.datastructures import Headers

from gateway.auth.desk import Desk, current_caller
from gateway.auth.tokens import issue_token, office_of
from gateway.errors import NotSignedIn
from gateway.services.governance.callers import add, named_caller
from gateway.services.governance.personas import PERSONAS
from ig.purpose import Purpose, Role
from tests.gateway.web.small_house import copied, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings

WHO = PERSONAS["social-worker"]


@pytest.fixture
def desk(settings: Settings, tmp_path: Path) -> Iterator[Desk]:
    """The front desk of a house that may be changed."""
    with opened(copied(settings, tmp_path / "copy")) as house:
        yield Desk(house, office_of(house))


def authorised(house: House, purpose: Purpose = Purpose.DIRECT_CARE) -> Headers:
    return Headers({"Authorization": f"Bearer {issue_token(house, named_caller(house, WHO.subject, purpose))}"})


def changed(house: House, *, role: Role = WHO.role, purposes: tuple[Purpose, ...] = WHO.purposes) -> None:
    add(house, WHO.subject, WHO.name, WHO.organisation, WHO.org_class, role, purposes, persona=WHO.subject)


def test_a_token_is_its_caller_with_its_purpose(desk: Desk) -> None:
    caller, token_id = desk.bearer(authorised(desk.house))
    assert (caller.subject, caller.role, caller.purpose) == (WHO.subject, WHO.role, Purpose.DIRECT_CARE)
    assert token_id


def test_a_token_ends_with_the_purpose_it_was_for(desk: Desk) -> None:
    headers = authorised(desk.house)
    changed(desk.house, purposes=(Purpose.DEMOGRAPHIC_TRACE,))
    with pytest.raises(NotSignedIn) as refused:
        desk.bearer(headers)
    assert refused.value.reason == "token-caller"


def test_a_token_ends_with_the_role_it_was_for(desk: Desk) -> None:
    headers = authorised(desk.house)
    changed(desk.house, role=Role.NAVIGATOR)
    with pytest.raises(NotSignedIn) as refused:
        desk.bearer(headers)
    assert refused.value.reason == "token-caller-changed"


def test_a_session_is_its_caller_and_ends_with_its_purpose(desk: Desk) -> None:
    token = desk.sign_in(WHO.subject, Purpose.DIRECT_CARE)
    found = desk.visitor(token)
    assert found is not None
    assert found.purpose is Purpose.DIRECT_CARE
    changed(desk.house, purposes=(Purpose.DEMOGRAPHIC_TRACE,))
    assert desk.visitor(token) is None
    changed(desk.house)
    assert desk.visitor(token) is None


def test_a_session_unused_too_long_or_too_old_is_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token = desk.sign_in(WHO.subject, Purpose.DIRECT_CARE)
    settings = desk.house.settings
    monkeypatch.setattr(desk.house, "settings", settings.model_copy(update={"session_idle_minutes": 0}))
    assert desk.visitor(token) is None
    monkeypatch.setattr(desk.house, "settings", settings.model_copy(update={"session_hours": 0}))
    assert desk.visitor(token) is None
    monkeypatch.setattr(desk.house, "settings", settings)
    assert desk.visitor(token) is not None


def test_nobody_is_nobody() -> None:
    with Flask("test").test_request_context(), pytest.raises(NotSignedIn):
        current_caller()
