"""Files as they should not be, for every feed: the message names file, row, field and rule; the good rows go in.

Each test spoils one file of the county and gives it to a house that has not seen it; the rest of the county stays as it
is. What a message must never hold is what the file said about somebody.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from fixtures.write import Manifest
    from tests.faults.stages import Gateway

    HouseAt = Callable[[str], Gateway]
    Spoil = Callable[[bytes], bytes]

FEEDS = ["social-care", "gp", "acute", "tabular", "index"]
CALLS = (
    b"CaseRef,PatientRef,ProviderODS,NHSNumber,Surname,Forename,DateOfBirth,Gender,AddressLine1,Town,Postcode,Telephone,"
    b"GPPracticeODS,CallStart,CallEnd,Disposition,SymptomGroup\n"
) + b"".join(
    b"C%d,P%d,X26,,Sentinelname,Sentinelgiven,1941-03-07,F,1 Acacia Street,Leicester,LE2 1AA,,Z99001,"
    b"2026-01-0%dT10:00:00,,Dx01,SG1\n" % (n, n, n)
    for n in range(1, 6)
)


@dataclass(frozen=True)
class Feed:
    """One feed's file, the files it comes with, and how it is given to the house."""

    name: str
    file: str
    content: bytes
    beside: dict[str, bytes]

    def given(self, gateway: Gateway, folder: Path, content: bytes) -> Result:
        """Write the file and what belongs beside it, and give it to the house."""
        folder.mkdir(exist_ok=True)
        for name, data in {**self.beside, self.file: content}.items():
            (folder / name).write_bytes(data)
        return self.read(gateway, folder)

    def read(self, gateway: Gateway, folder: Path) -> Result:
        """Give what is there to the house."""
        match self.name:
            case "index":
                return gateway("index", "load", folder / self.file, "--source", "demo", "--as-of", "2026-10-01")
            case "tabular":
                return gateway("ingest", "tabular", folder / self.file, "--map", "nhs111")
            case "gp":
                return gateway("ingest", "gp", folder)
            case _:
                return gateway("ingest", self.name, folder / self.file)


@pytest.fixture(params=FEEDS)
def feed(request: pytest.FixtureRequest, manifest: Manifest) -> Feed:
    return feed_of(request.param, manifest)


def feed_of(name: str, manifest: Manifest) -> Feed:
    if name == "tabular":
        return Feed(name, "calls.csv", CALLS, {})
    if name == "gp":
        folder = manifest.gp[0] if manifest.gp[0].is_dir() else manifest.gp[0].parent
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        patients = next(file for file in files if "Admin_Patient" in file)
        return Feed(name, patients, files.pop(patients), files)
    paths = {"social-care": manifest.social_care, "acute": manifest.acute, "index": (manifest.index,)}[name]
    largest = max(paths, key=lambda path: path.stat().st_size)
    return Feed(name, largest.name, largest.read_bytes(), {})


@pytest.fixture
def gateway(house_at: HouseAt) -> Gateway:
    return house_at("indexed")


def went_in(ran: Result) -> int:
    """How many rows went in."""
    found = re.search(r"read: ([\d,]+) new|^([\d,]+) people loaded", ran.stdout)
    assert found, ran.stdout + ran.stderr
    return int((found[1] or found[2]).replace(",", ""))


def held(ran: Result) -> dict[str, int]:
    """What was quarantined: rule (with the field where one is told) → rows."""
    return {rule: int(n) for rule, n in re.findall(r"quarantined, (.+): (\d+)$", ran.stdout, re.MULTILINE)}


def test_as_it_is_every_good_row_goes_in(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    ran = feed.given(gateway, tmp_path / "in", feed.content)
    assert ran.exit_code == 0
    assert went_in(ran) > 3


def crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("spoil", [lambda data: b"\xef\xbb\xbf" + data, crlf], ids=["bom", "crlf"])
def test_a_byte_order_mark_and_other_line_ends_change_nothing(
    spoil: Spoil, feed: Feed, gateway: Gateway, tmp_path: Path
) -> None:
    plain = feed.given(gateway, tmp_path / "in", feed.content)
    again = feed.given(gateway, tmp_path / "in", spoil(feed.content))
    assert again.exit_code == 0
    assert held(again) == held(plain)
    if feed.name != "index":
        same = re.search(r" 0 new, 0 changed, ([\d,]+) the same", again.stdout)
        assert same, again.stdout


def big(data: bytes) -> bytes:
    """A line of 10 MB after the third."""
    lines = (
        data.replace(b"\r", b"\n").splitlines(keepends=True) if b"\n" not in data else data.splitlines(keepends=True)
    )
    return b"".join((*lines[:3], b"x" * 10_500_000 + b"\n", *lines[3:]))


REFUSED: dict[str, tuple[Spoil, str]] = {
    "empty": (lambda _data: b"", "row 1, header: "),
    "wrong-header": (lambda _data: b"Sentinelname,Sentinelgiven\n1,2\n", "row 1, "),
    "utf-16": (lambda data: data.decode().encode("utf-16"), "row 1, header: "),
    "line-of-10-MB": (big, "row 4, whole line: "),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_whole(how: str, feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    before = gateway.digest()
    spoil, where = REFUSED[how]
    ran = feed.given(gateway, tmp_path / "in", spoil(feed.content))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"gateway: {feed.file}, {where}")
    assert re.search(r"\[[a-z0-9-]+\]\n$", ran.stderr)
    assert "Sentinel" not in ran.stderr
    assert gateway.digest() == before


def test_a_file_that_cannot_be_read_is_named(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    """A file that opens and gives an error when read, for root too."""
    before = gateway.digest()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / feed.file).symlink_to("/proc/self/mem")
    for name, data in feed.beside.items():
        (tmp_path / "in" / name).write_bytes(data)
    ran = feed.read(gateway, tmp_path / "in")
    assert (ran.exit_code in {2, 4}, ran.stdout) == (True, "")
    assert ran.stderr.startswith(f"gateway: {feed.file}: ")
    assert gateway.digest() == before


def test_a_file_that_is_not_there_is_bad_input(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    assert feed.read(gateway, tmp_path / "gone").exit_code == 2


def test_a_last_line_cut_short_is_set_aside_and_the_rest_goes_in(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    whole = feed.content.rstrip(b"\r\n")
    ran = feed.given(gateway, tmp_path / "in", whole[: -len(whole.splitlines()[-1]) // 2])
    assert ran.exit_code == 0
    assert sum(count for rule, count in held(ran).items() if rule.endswith("truncated-row")) == 1
    assert went_in(ran) > 0


def test_the_same_file_twice_changes_nothing(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    feed.given(gateway, tmp_path / "in", feed.content)
    before = gateway.digest()
    again = feed.given(gateway, tmp_path / "in", feed.content)
    assert again.exit_code == 0
    assert gateway.digest() == before


def test_the_same_file_under_another_name_adds_no_record(gateway: Gateway, manifest: Manifest, tmp_path: Path) -> None:
    feed = feed_of("social-care", manifest)
    first = feed.given(gateway, tmp_path / "in", feed.content)
    renamed = Feed(feed.name, "copy.csv", feed.content, {})
    again = renamed.given(gateway, tmp_path / "in", feed.content)
    assert (again.exit_code, went_in(again)) == (0, 0)
    assert sum(held(again).values()) == sum(held(first).values())


# --- rows that cannot be ------------------------------------------------------------------------------------------

ROWS = [
    ("social-care", "NHS Number", "9990000019", "NHS Number, check-digit"),
    ("social-care", "Event Start Date", "31/02/2026", "Event Start Date, impossible-date"),
    ("social-care", "Event Type", "Sentinelcode", "Event Type, unknown-code"),
    ("gp", "NhsNumber", "9990000019", "NhsNumber, check-digit"),
    ("gp", "DateOfBirth", "1941-02-30", "DateOfBirth, impossible-date"),
    ("gp", "Sex", "Sentinelcode", "Sex, unknown-code"),
    ("tabular", "NHSNumber", "9990000019", "NHSNumber, check-digit"),
    ("tabular", "DateOfBirth", "1941-02-30", "DateOfBirth, impossible-date"),
    ("tabular", "Gender", "Sentinelcode", "Gender, unknown-code"),
    ("index", "nhs_number", "9990000019", "check-digit"),
    ("index", "birth_date", "1941-02-30", "date-impossible"),
    ("index", "gender", "Sentinelcode", "unknown-code"),
]


def with_cell(data: bytes, column: str, value: str) -> bytes:
    """The file with one cell of its third row replaced."""
    lines = data.decode().splitlines(keepends=True)
    header = next(csv.reader([lines[0]]))
    cells = next(csv.reader([lines[2]]))
    cells[header.index(column)] = value
    lines[2] = ",".join(f'"{cell}"' for cell in cells) + "\n"
    return "".join(lines).encode()


@pytest.mark.parametrize(("name", "column", "value", "rule"), ROWS, ids=str)
def test_a_row_that_cannot_be_is_set_aside_with_its_field_and_rule(  # noqa: PLR0913, PLR0917 - a table of rows
    name: str,
    column: str,
    value: str,
    rule: str,
    gateway: Gateway,
    manifest: Manifest,
    tmp_path: Path,
) -> None:
    feed = feed_of(name, manifest)
    spoilt = with_cell(feed.content, column, value)
    ran = feed.given(gateway, tmp_path / "in", spoilt)
    assert ran.exit_code == 0
    assert held(ran).get(rule, 0) >= 1
    assert went_in(ran) > 3
    assert not [said for said in (value, "Sentinel") if said in ran.stdout + ran.stderr]
    listed = gateway.good("quarantine", "list", "--rule", rule.rpartition(", ")[2], "--limit", "1000")
    assert f"{feed.file} row 3  {column}  " in listed
    assert value not in listed


@pytest.mark.parametrize(
    ("segment", "place", "value", "rule"),
    [
        ("PID", 7, "19410230", "PID-7, impossible-date"),
        ("PID", 8, "Sentinelcode", "PID-8, unknown-code"),
        ("PID", 3, "9990000019^^^NHS^NH", "PID-3, check-digit"),
        ("MSH", 8, "ADT^Z99", "MSH-9, unsupported-event"),
    ],
    ids=str,
)
def test_a_message_that_cannot_be_is_set_aside_and_the_others_go_in(  # noqa: PLR0913, PLR0917 - as above
    segment: str, place: int, value: str, rule: str, gateway: Gateway, manifest: Manifest, tmp_path: Path
) -> None:
    feed = feed_of("acute", manifest)
    text = feed.content.decode()
    start = text.index(f"{segment}|")
    end = min(found for found in (text.find("\r", start), text.find("\n", start)) if found > 0)
    cells = text[start:end].split("|")
    cells[place] = value
    ran = feed.given(gateway, tmp_path / "in", (text[:start] + "|".join(cells) + text[end:]).encode())
    assert ran.exit_code == 0
    assert held(ran).get(rule, 0) >= 1
    assert went_in(ran) > 0
    assert value not in ran.stdout + ran.stderr


def test_a_byte_that_is_not_utf_8_spoils_its_own_row_only(feed: Feed, gateway: Gateway, tmp_path: Path) -> None:
    lines = feed.content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").splitlines(keepends=True)
    spoilt = lines[2].replace(b",", b"\xe9,", 1) if feed.name != "acute" else lines[1].replace(b"|", b"|\xe9", 1)
    place = 2 if feed.name != "acute" else 1
    ran = feed.given(gateway, tmp_path / "in", b"".join((*lines[:place], spoilt, *lines[place + 1 :])))
    assert ran.exit_code == 0
    assert sum(count for rule, count in held(ran).items() if rule.endswith("not-utf-8")) == 1
    assert went_in(ran) > 3
