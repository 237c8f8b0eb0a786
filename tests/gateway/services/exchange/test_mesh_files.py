"""What comes in before anybody looks at it as a file: packed or not, named or not; and what workflows mean."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError
from gateway.services.exchange.place import Place, _working_name, clear_others, root, unpacked
from gateway.services.exchange.workflows import Workflow, read_workflows
from gateway.services.tracing.formats import Format
from gateway.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,30}", fullmatch=True)
SEEN = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)


def split(content: bytes, size: int) -> list[bytes]:
    return [content[place : place + size] for place in range(0, len(content), size)]


@given(st.binary(max_size=400), st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.integers(1, 60))
def test_content_is_the_same_packed_or_not_and_however_it_is_cut(plain: bytes, packed: list[bytes], size: int) -> None:
    if not plain.startswith(b"\x1f\x8b") or size < 2:
        assert b"".join(unpacked(iter(split(b"-" + plain, size)))) == b"-" + plain
    whole = b"".join(gzip.compress(part) for part in packed)
    assert b"".join(unpacked(iter(split(whole, max(size, 2))))) == b"".join(packed)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 17))
def test_a_packed_file_that_is_cut_short_is_not_a_file(content: bytes, missing: int) -> None:
    with pytest.raises(InputError) as refused:
        b"".join(unpacked(iter([gzip.compress(content)[:-missing]])))
    assert refused.value.reason == "broken-gzip"


@given(st.text(max_size=60), st.binary(max_size=80))
def test_a_name_on_disk_says_nothing_of_anybody(given_name: str, head: bytes) -> None:
    name = _working_name(given_name, head)
    assert name == "request.csv" or re.fullmatch(r"MPTREQ_[0-9]{14}(\.[A-Za-z0-9]{1,8})?", name)


def test_a_file_that_does_not_fit_is_not_written_to_its_end(tmp_path: Path) -> None:
    place = Place(tmp_path / "mesh" / "one")
    place.make()
    with pytest.raises(InputError) as refused:
        place.take_in([b"x" * 600, b"y" * 600], "", SEEN, 1000)
    assert refused.value.reason == "file-too-large"
    assert place.take_in([], "", SEEN, 1000).read_bytes() == b""
    assert place.response_hash() == ""


def test_a_folder_made_while_leftovers_are_looked_for_is_none(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=tmp_path)
    (root(settings) / "left over").mkdir(parents=True)

    def meanwhile() -> list[str]:
        (root(settings) / "another poller's").mkdir()
        return []

    clear_others(settings, meanwhile)
    assert [folder.name for folder in root(settings).iterdir()] == ["another poller's"]


@given(st.dictionaries(NAMES, st.tuples(st.sampled_from(Format), NAMES), max_size=5))
def test_workflows_are_read_as_they_are_written(told: dict[str, tuple[Format, str]]) -> None:
    text = " , ".join(f"{asked}={layout}:{response}" for asked, (layout, response) in told.items())
    assert read_workflows(text) == {asked: Workflow(asked, *means) for asked, means in told.items()}


@pytest.mark.parametrize("text", ["A", "A=mpt", "A=mpt:", "=mpt:B", "A=csv:B", "A=mpt:B C", "A=mpt:B,A=dbs:C"])
def test_workflows_that_cannot_be_are_refused_by_the_settings_name(text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_workflows(text)
    assert refused.value.field == "GATEWAY_MESH_WORKFLOWS"


def test_the_services_workflows_are_there_without_being_set() -> None:
    known = read_workflows(Settings.model_fields["mesh_workflows"].default)
    assert {name: one.layout for name, one in known.items()} == {
        "SPINE_PDS_MESH_V1": Format.PDS_MESH,
        "SPINE_MPTPHASE4_TRACE": Format.MPT,
        "DSP_MPS": Format.MPT,
    }
