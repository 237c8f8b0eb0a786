"""What may never be committed: leftovers, this or any machine's paths, registry hosts, issued NHS numbers."""

from __future__ import annotations

import re

import pytest

# three X alone are also what people type for want of a name, so they count in comments only
LEFTOVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b|(?:#|//|<!--|\{#).*\bXX" + r"X\b")
STUB = re.compile("raise NotImplemented" + "Error")
MACHINE = re.compile(r"(?<![\w.~-])/(?:work|tmp|root|home)/[\w.]")
HOST = re.compile(
    "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.org", "deb" + r"\.debian\.org"])
)
TEN_DIGITS = re.compile(r"(?<![\w.+-])(\d{3})([ \u00a0-]?)(\d{3})\2(\d{4})(?![\w-]|\.\d)")
READ_FOR_NUMBERS = (".py", ".yaml", ".yml", ".csv", ".md", ".json", ".html", ".jinja", ".hl7", ".txt")
NEVER_ISSUED = ("5", "9")
ALPHABET = "0123456789"  # by chance well-formed; it stands where somebody needs the ten digits


def show(faults: list[str]) -> None:
    if faults:
        pytest.fail(f"{len(faults)} found\n" + "\n".join(faults), pytrace=False)


def find(pattern: re.Pattern[str], tree: dict[str, str]) -> list[str]:
    return [
        f"{path}:{number}: {found.group()}"
        for path, text in tree.items()
        for number, line in enumerate(text.splitlines(), 1)
        for found in pattern.finditer(line)
    ]


def is_well_formed(digits: str) -> bool:
    """Modulus 11, written out here: this check must not lean on the code it checks."""
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return len(set(digits)) > 1 and check != 10 and check % 11 == int(digits[9])


def issued_numbers(path: str, text: str) -> list[str]:
    found = ("".join(match.group(1, 3, 4)) for match in TEN_DIGITS.finditer(text))
    return [
        f"{path}: {digits}"
        for digits in found
        if digits != ALPHABET and is_well_formed(digits) and digits[0] not in NEVER_ISSUED
    ]


def test_no_leftovers(tree: dict[str, str]) -> None:
    show(find(LEFTOVER, tree))


def test_no_stubs(tree: dict[str, str]) -> None:
    """A migration alone may refuse so: what it will not undo is not something still to be written."""
    show(find(STUB, {path: text for path, text in tree.items() if "/migrations/" not in path}))


def test_no_path_of_a_machine(tree: dict[str, str]) -> None:
    show(find(MACHINE, tree))


def test_no_registry_host(tree: dict[str, str]) -> None:
    """Locks name versions and hashes; where a copy comes from is the machine's business."""
    show(find(HOST, tree))


def test_every_nhs_number_is_of_a_range_never_issued(tree: dict[str, str], excused: dict[str, dict[str, str]]) -> None:
    faults = [
        fault
        for path, text in tree.items()
        if path.endswith(READ_FOR_NUMBERS) and not path.startswith("requirements/")
        for fault in issued_numbers(path, text)
    ]
    show([fault for fault in faults if fault not in excused["ten-digits"]])


@pytest.mark.parametrize(
    ("written", "caught"),
    [
        ("401 02" + "3 2137", True),
        ("40102" + "32137", True),
        ("999 000 0018", False),
        ("4010232138", False),
        ("14010232137", False),
    ],
)
def test_the_number_check_sees_what_it_should(written: str, *, caught: bool) -> None:
    """The first two are a well-known published example, spelt apart here so that this file passes its own check."""
    assert bool(issued_numbers("x", f"see {written}.")) is caught
