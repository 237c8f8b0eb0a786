"""The documents cannot be wrong about what can be checked: words, links, commands, options, settings, make targets."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import click
import pytest

from gateway.cli import main as command
from gateway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# DESIGN section 3, and what every page has to explain
WORDS = set(
    re.findall(
        r"\S+",
        """
        trace cross-check alphanumeric algorithmic verify index source coverage feed source-record quarantine link
        evidence agreement framework addendum grant purpose decision obligation permit ledger disclosure-row
        checkpoint witness domain release outcome verdict flag model person caller gate pseudonym
        """,
    )
)
ENTRY = re.compile(r"^\*\*([^*]+)\*\*(?: \([^)]+\))? — \S", re.MULTILINE)
LINK = re.compile(r"(?<!\!)\[[^\]]+\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
GENERATED = re.compile(r"<!-- begin ([a-z-]+) -->.*?<!-- end \1 -->", re.DOTALL)
CALL = re.compile(r"(?:^|\$\()(gateway [^|;&)]+)")
INLINE = re.compile(r"`(gateway [^`\n]+)`")
SETTING = re.compile(r"\bGATEWAY_[A-Z_]+\b")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)\b(?=[^a-z]|$)")


def show(faults: list[str]) -> None:
    if faults:
        pytest.fail(f"{len(faults)} found\n" + "\n".join(faults), pytrace=False)


@pytest.fixture(scope="module")
def pages(tree: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in tree.items() if path.endswith(".md") and path.startswith(("docs/", "README"))}


def anchor(heading: str) -> str:
    """The anchor that Markdown viewers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def commands_in(text: str) -> Iterator[list[str]]:
    """Every ``gateway …`` line of a console block, and every one inside code quotes, as its words."""
    written = GENERATED.sub("", text)
    blocks = [block.replace("\\\n", " ") for kind, block in FENCE.findall(written) if kind == "console"]
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines() if "$ " in line[:6]]
    lines += INLINE.findall(FENCE.sub("", written))
    for line in lines:
        for written_so in CALL.findall(line):
            yield shlex.split(written_so.translate(str.maketrans("", "", "[]…")))[1:]


def fault_of(words: list[str]) -> str:
    """Walk the words down the tree of commands; return the first that is neither command, option nor argument."""
    node: click.Command = command
    context = click.Context(node)
    options = known_options(node)
    takes_value = False
    for word in words:
        if isinstance(node, click.Group) and (child := default_of(node, word)) is not None:
            node, options = child, options | known_options(child)
        if takes_value:
            takes_value = False
        elif word.startswith("--"):
            name = word.split("=")[0]
            if name not in options:
                return f"{node.name}: no option {name}"
            takes_value = options[name] and "=" not in word
        elif isinstance(node, click.Group):
            child = node.get_command(context, word)
            if child is None:
                return f"{node.name}: no command {word}"
            node, options = child, options | known_options(child)
        elif not any(isinstance(parameter, click.Argument) for parameter in node.params):
            return f"{node.name}: takes no argument"
    return ""


def default_of(node: click.Group, word: str) -> click.Command | None:
    """The command of a group that ``word`` belongs to although its name was left out, where the group has one."""
    name = getattr(node, "default_command", "")
    context = click.Context(node)
    return node.get_command(context, name) if name and node.get_command(context, word) is None else None


def known_options(node: click.Command) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    found = {"--help": False}
    for parameter in node.params:
        if isinstance(parameter, click.Option):
            found |= dict.fromkeys([*parameter.opts, *parameter.secondary_opts], not parameter.is_flag)
    return found


def test_the_glossary_defines_every_word_of_the_house(pages: dict[str, str]) -> None:
    defined = {entry.lower().replace(" ", "-") for entry in ENTRY.findall(pages["docs/glossary.md"])}
    show(sorted(WORDS - defined))


def test_every_link_and_picture_leads_somewhere(pages: dict[str, str], tree: dict[str, str], root: Path) -> None:
    faults = []
    for path, text in pages.items():
        for target in [*LINK.findall(text), *PICTURE.findall(text)]:
            if "://" in target:
                continue
            name, _, fragment = target.partition("#")
            there = (root / PurePosixPath(path).parent / name).resolve() if name else root / path
            if not there.exists():
                faults.append(f"{path}: {target} does not exist")
            elif fragment:
                headings = {anchor(found) for found in HEADING.findall(there.read_text("utf-8"))}
                faults += [] if fragment in headings else [f"{path}: {target} has no such heading"]
    assert tree
    show(faults)


def test_every_page_can_be_reached_from_the_index(pages: dict[str, str], root: Path) -> None:
    linked = {(root / "docs" / target.partition("#")[0]).resolve() for target in LINK.findall(pages["docs/index.md"])}
    unread = {"docs/index.md", "README.md"}
    show([path for path in pages if path not in unread and (root / path).resolve() not in linked])


def test_every_command_and_option_written_exists(pages: dict[str, str]) -> None:
    show(
        [
            f"{path}: gateway {' '.join(words)}: {fault}"
            for path, text in pages.items()
            for words in commands_in(text)
            if (fault := fault_of(words))
        ]
    )


def test_every_setting_written_exists(pages: dict[str, str]) -> None:
    known = {f"GATEWAY_{name.upper()}" for name in Settings.model_fields} | {"GATEWAY_"}
    show([f"{path}: {name}" for path, text in pages.items() for name in SETTING.findall(text) if name not in known])


def test_every_make_target_written_exists(pages: dict[str, str], tree: dict[str, str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", tree["Makefile"], re.MULTILINE))
    written = {
        (path, target)
        for path, text in pages.items()
        for span in [*re.findall(r"`([^`\n]+)`", text), *(block for _, block in FENCE.findall(text))]
        for target in TARGET.findall(span)
    }
    show([f"{path}: make {target}" for path, target in sorted(written) if target not in targets])


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("verify 9990000018 --family X --birthdate 1950", ""),
        ("--as ada verify 9990000018", ""),
        ("verifi 9990000018", "main: no command verifi"),
        ("verify 9990000018 --surname X", "verify: no option --surname"),
        ("trace people.csv --out answers.csv", ""),
        ("trace --algorithm mps", ""),
        ("trace export --unresolved", ""),
        ("trace people.csv --surname X", "file: no option --surname"),
    ],
)
def test_the_command_check_sees_what_it_should(words: str, fault: str) -> None:
    assert fault_of(words.split()) == fault
