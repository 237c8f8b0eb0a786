"""No person data without a permit, and no permit but from the gate."""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.errors import NotPermitted
from gateway.storage.permit import Permit, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.storage import Stores

ROOT = Path(__file__).parents[3]
PACKAGES = ("gateway", "linkage", "adapters", "ig", "fixtures")


def test_a_permit_made_by_hand_is_refused() -> None:
    with pytest.raises(NotPermitted) as refused:
        Permit("d", "c", "o", "p", "a", frozenset(), frozenset(), ())
    assert refused.value.reason == "permit-forged"


def test_a_permit_cannot_be_widened(permit: Permit) -> None:
    with pytest.raises(NotPermitted):
        dataclasses.replace(permit, providers=frozenset({"OTHER"}))
    with pytest.raises(dataclasses.FrozenInstanceError):
        permit.providers = frozenset({"OTHER"})  # type: ignore[misc]  # that is the point


def test_a_permit_does_not_leave_its_process(permit: Permit) -> None:
    assert copy.copy(permit) is permit
    with pytest.raises(NotPermitted):
        pickle.dumps(permit)


@pytest.mark.parametrize("forged", [None, "permit", object(), object.__new__(Permit)])
def test_nothing_else_passes_for_a_permit(forged: object) -> None:
    with pytest.raises(NotPermitted) as refused:
        require(forged)
    assert refused.value.reason == "permit-required"


def _readers(stores: Stores) -> Iterator[tuple[str, Callable[..., object]]]:
    for room in (stores.index, stores.records, stores.links, stores.traces, stores.reviews, stores.quarantine):
        for name, method in inspect.getmembers(room, inspect.ismethod):
            if "permit" in inspect.signature(method).parameters:
                yield f"{type(room).__name__}.{name}", method


def test_every_reader_of_person_data_refuses_to_work_without_one(stores: Stores) -> None:
    readers = dict(_readers(stores))
    assert len(readers) >= 19
    for name, read in readers.items():
        needed = [
            parameter
            for parameter in inspect.signature(read).parameters.values()
            if parameter.default is parameter.empty and parameter.name != "permit"
        ]
        assert _refuses(read, len(needed)), f"{name} answered without a permit"


def _refuses(read: Callable[..., Any], arguments: int) -> bool:
    try:
        found = read(None, *([] for _ in range(arguments)))
        list(found)  # a generator begins only when it is asked
    except NotPermitted:
        return True
    return False


def test_only_the_gate_imports_mint() -> None:
    """And tests and benches, which stand in for it."""
    product = [ROOT / "wsgi.py", *(path for room in PACKAGES for path in sorted((ROOT / room).rglob("*.py")))]
    importers = {
        str(path.relative_to(ROOT))
        for path in product
        if path.exists() and any(_names_mint(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert {name for name in importers if not name.startswith("gateway/gate/")} <= {"gateway/storage/permit.py"}


def _names_mint(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(module=module, names=names):
            taken = {name.name for name in names}
            return module == "gateway.storage.permit" and bool(taken & {"mint", "_Seal", "*"})
        case ast.Attribute(attr=attr):
            return attr in {"mint", "_Seal"}
        case _:
            return False
