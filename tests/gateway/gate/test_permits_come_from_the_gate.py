"""Nobody but the gate makes a permit, and what it makes cannot be stretched or kept."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gateway
from gateway.errors import NotPermitted
from gateway.gate import came_in
from gateway.storage.permit import Permit
from ig.decide import Described
from ig.purpose import Dataset, Element, Level
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import AMINA, persona

if TYPE_CHECKING:
    from gateway.gate import Passage
    from gateway.house import House

ROOT = Path(gateway.__file__).parent


def opened(house: House) -> Passage:
    """Go through the gate and keep what was in hand there."""
    with house.gate.permit(
        persona(house, "social-worker"),
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Described(),
    ) as passage:
        pass
    return passage


def test_only_the_gate_names_mint() -> None:
    naming = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"\bmint\b", "\n".join(map(ast.dump, ast.parse(path.read_text(encoding="utf-8")).body)))
    }
    assert naming <= {"gate/gate.py", "storage/permit.py"}


def test_a_permit_of_ones_own_making_opens_nothing(town: House) -> None:
    real = opened(town).permit
    with pytest.raises(NotPermitted):
        Permit("d", "c", "999", "direct-care", "a", frozenset({"address"}), frozenset({"999"}), ())
    with pytest.raises(NotPermitted):
        dataclasses.replace(real, fields=frozenset(Element))
    with pytest.raises(NotPermitted):
        Permit("d", "c", "999", "p", "a", frozenset(), frozenset({"RZZ"}), (), seal=real.seal)
    forged = object.__new__(Permit)
    for name in ("decision_id", "caller", "organisation", "purpose", "agreement"):
        object.__setattr__(forged, name, "x")
    with pytest.raises(NotPermitted):
        town.stores.index.by_number(forged, NhsNumber(AMINA.number))


def test_a_refused_caller_is_handed_no_permit(town: House) -> None:
    with pytest.raises(NotPermitted) as refused:
        town.stores.index.by_number(None, NhsNumber(AMINA.number))  # type: ignore[arg-type]  # that is the point
    assert refused.value.reason == "permit-required"


def test_a_machine_without_a_boot_id_still_tells_its_runs_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(came_in, "_BOOT_ID", tmp_path / "absent")
    came_in._boot.cache_clear()
    try:
        assert came_in._boot() == came_in._boot()
        assert len(came_in._boot()) == 36
    finally:
        came_in._boot.cache_clear()
