"""What the house rules are checked against: the files git would commit, and the packages' syntax trees."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "linkage", "adapters", "ig", "fixtures")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file of ours: where it is, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The room it stands in."""
        return self.path.split("/")[0]

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.text.count("\n")

    def functions(self) -> Iterator[tuple[str, int]]:
        """Yield the qualified name and the length in lines of every function, nested ones too."""
        yield from _functions(self.tree, self.path + "::")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + child.name, (child.end_lineno or child.lineno) - child.lineno + 1
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def tree() -> dict[str, str]:
    """Every text file that git holds or would take, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    texts = {}
    for name in sorted(set(listed.stdout.split("\0")) - {""}):
        try:
            texts[name] = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, a broken input kept for a test, or a file just removed
    return texts


@pytest.fixture(scope="session")
def sources(tree: dict[str, str]) -> list[Source]:
    """Every Python file, parsed."""
    return [Source(path, text, ast.parse(text, path)) for path, text in tree.items() if path.endswith(".py")]


@pytest.fixture(scope="session")
def packages(sources: list[Source]) -> list[Source]:
    """The Python files that are the product."""
    return [source for source in sources if source.package in PACKAGES]


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def excused(project: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The exceptions to the house rules, each with its reason: ``[tool.house]`` in ``pyproject.toml``."""
    house: dict[str, dict[str, str]] = project["tool"]["house"]
    return house
