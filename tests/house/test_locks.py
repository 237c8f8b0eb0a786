"""The lock files are complete, hashed, name no host, and still say what pyproject.toml asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>.*)$")


def pins(path: Path) -> dict[str, tuple[str, ...]]:
    """Name to the versions locked: more than one where markers choose between them."""
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_text("utf-8").splitlines():
        if match := PIN.match(line):
            name = canonicalize_name(match["name"])
            found[name] = (*found.get(name, ()), match["version"])
    return found


def missing(wanted: list[str], locked: dict[str, tuple[str, ...]]) -> list[str]:
    asked = [Requirement(line) for line in wanted]
    return [
        f"{requirement}: locked {locked.get(canonicalize_name(requirement.name), 'nowhere')}"
        for requirement in asked
        if not any(requirement.specifier.contains(v) for v in locked.get(canonicalize_name(requirement.name), ()))
    ]


def test_the_base_lock_serves_what_the_product_asks_for(root: Path, project: dict[str, Any]) -> None:
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    assert missing(wanted, pins(root / "requirements/base.txt")) == [], "run make lock"


def test_the_dev_lock_serves_what_the_tests_ask_for(root: Path, project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    wanted = [line for name in ("dev", "postgres", "evaluation") for line in extras[name]]
    wanted = [line for line in wanted if not line.startswith(project["project"]["name"])]
    assert missing(wanted, pins(root / "requirements/dev.txt")) == [], "run make lock"


def test_the_spark_lock_serves_its_extra(root: Path, project: dict[str, Any]) -> None:
    wanted = [line for line in project["project"]["optional-dependencies"]["spark"] if line.startswith("pyspark")]
    assert wanted
    assert missing(wanted, pins(root / "requirements/spark.txt")) == [], "run make lock"


def test_both_locks_agree(root: Path) -> None:
    """A test must not run against a version that the product does not install."""
    base, dev = pins(root / "requirements/base.txt"), pins(root / "requirements/dev.txt")
    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("name", ["base.txt", "assets.txt", "dev.txt", "spark.txt", "mesh-sandbox.txt"])
def test_every_pin_has_a_hash_and_no_line_names_a_host(root: Path, name: str) -> None:
    text = (root / "requirements" / name).read_text("utf-8")
    assert "//" not in text
    assert not re.search(r"^--(?:index-url|extra-index-url|find-links)", text, re.MULTILINE)
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []
