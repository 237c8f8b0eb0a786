"""Rules about names that import-linter cannot see: single functions, builtins and clocks."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.conftest import Source

PURE = ("linkage", "ig")
OUTSIDE = {"open", "input", "print", "exec", "eval", "compile", "__import__"}
CLOCKS = {"now", "today", "utcnow"}


def show(faults: list[str]) -> None:
    if faults:
        pytest.fail(f"{len(faults)} found\n" + "\n".join(faults), pytrace=False)


def names_mint(node: ast.AST) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), names=names) if module.endswith("permit"):
            return any(alias.name in {"mint", "*"} for alias in names)
        case ast.Attribute(value=ast.Name(id="permit"), attr="mint"):
            return True
    return False


def reaches_out(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in OUTSIDE:
            return f"{name}()"
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in CLOCKS and names_a_date(value):
            return f"{ast.unparse(value)}.{name}()"
        case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr=name)) if name != "Random":
            return f"random.{name}()"
        case ast.Call(func=ast.Name(id="Random") | ast.Attribute(attr="Random"), args=[]):
            return "Random() without a seed"
    return ""


def names_a_date(node: ast.AST) -> bool:
    return ast.unparse(node).rsplit(".", 1)[-1] in {"datetime", "date", "dt"}


def walk(sources: list[Source]) -> Iterator[tuple[Source, ast.AST]]:
    for source in sources:
        for node in ast.walk(source.tree):
            yield source, node


def test_only_the_gate_makes_permits(packages: list[Source]) -> None:
    """A repository that is handed a Permit may trust it, because nobody else could have made it."""
    allowed = ("gateway/gate/", "gateway/gate.py", "gateway/storage/permit.py")
    show(
        [
            f"{source.path}:{getattr(node, 'lineno', 0)}: takes storage.permit.mint"
            for source, node in walk(packages)
            if names_mint(node) and not source.path.startswith(allowed)
        ]
    )


def test_the_pure_rooms_open_nothing_and_read_no_clock(packages: list[Source]) -> None:
    """``now`` and every seed are arguments: the same question gives the same answer tomorrow, and a test can ask it."""
    pure = [source for source in packages if source.package in PURE]
    show(
        [
            f"{source.path}:{getattr(node, 'lineno', 0)}: {call}"
            for source, node in walk(pure)
            if (call := reaches_out(node))
        ]
    )
