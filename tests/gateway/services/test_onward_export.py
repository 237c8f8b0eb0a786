"""Whom a request file asks about, what it says of them, and what has to be true before it appears."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from adapters.feed import Feed
from adapters.spine import dbs, pds_mesh
from adapters.spine.dbs_columns import REQUEST
from adapters.spine.trace_lines import Style
from adapters.spine.tracing import Charset, Request
from gateway.errors import InputError, Unavailable
from gateway.gate import Gate
from gateway.services.tracing import onward_export
from gateway.services.tracing.formats import Format
from gateway.services.tracing.onward_export import Written, export_requests, fitted
from gateway.services.tracing.onward_select import NOT_IN_SCOPE, Selection, Wanted
from gateway.storage.ledger import Ledger
from ig.decision import FilterKind, RowFilter
from tests.gateway.houses import Watch, copied, event, system, take_in
from tests.gateway.services.onward_fixtures import home, home_made, national, response, sent, sent_made
from tests.gateway.services.onward_houses import (
    AWAY,
    EXPORTED,
    HERE,
    NOBODY,
    SECRET,
    UNRESOLVED,
    bring_home,
    client,
    export,
    stand,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage.permit import Permit

__all__ = ["home", "home_made", "national", "response", "sent", "sent_made"]

DBS = Written(Format.DBS)


def mesh_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dbs_file(path: Path) -> tuple[dbs.RequestFile, list[Request]]:
    file = dbs.RequestFile(Feed(path.name, lambda: path.open("rb")))
    return file, [row for row in file.rows() if isinstance(row, Request)]


def test_references_are_opaque_unique_and_of_letters_and_digits_alone(sent_made: tuple[Settings, Path]) -> None:
    rows = mesh_rows(sent_made[1])
    references = [row["UNIQUE REFERENCE"] for row in rows]
    assert len(set(references)) == len(EXPORTED)
    assert all(re.fullmatch(r"Q[A-Z2-7]{19}", one) for one in references)
    text = sent_made[1].read_text("utf-8")
    assert not [ref for ref in EXPORTED if client(ref) in text]
    assert {row["LOCAL_PATIENT_ID"] for row in rows} == {row["INTERNAL_ID"] for row in rows} == {""}


def test_a_restricted_person_is_asked_about_without_a_place(sent: House, response: Path, tmp_path: Path) -> None:
    """Once PDS has said that somebody is restricted, nothing that tells where they live goes out again."""
    bring_home(sent, response)
    export(sent, tmp_path / "again.csv", Wanted(Selection.UNVERIFIED, sent.now().date(), again=True))
    reference = {ref: one.reference for ref, one in stand(sent).asked.items()}
    rows = {row["UNIQUE REFERENCE"]: row for row in mesh_rows(tmp_path / "again.csv")}
    # verified already: not among them; asked about as changed, it is
    assert reference["secret"] not in rows
    take_in(
        sent,
        tmp_path / "later.csv",
        [
            event(
                "secret",
                replace(SECRET, given="Morwen"),
                {"Event Start Date": "18/11/2026"},
                number=SECRET.number,
                step=2,
            )
        ],
    )
    export(sent, tmp_path / "changed.csv", Wanted(Selection.CHANGED))
    (row,) = mesh_rows(tmp_path / "changed.csv")
    assert (row["NHS_NO"], row["GIVEN_NAME"]) == (SECRET.number, "Morwen")
    places = ("POSTCODE", *(f"ADDRESS_LINE{n}" for n in range(1, 6)), "TELEPHONE_NUMBER", "EMAIL_ADDRESS")
    assert {row[name] for name in (*places, "MOBILE_NUMBER", "GP_PRACTICE_CODE")} == {""}


def test_full_files_go_on_in_the_next_one_with_counts_and_sequence_numbers_right(home: House, tmp_path: Path) -> None:
    done = export(home, tmp_path / "clients.dat", written=replace(DBS, most=4))
    assert [path.name for path in done.files] == ["clients.dat", "clients-2.dat"]
    files = [dbs_file(path) for path in done.files]
    assert [(file.header.records, file.count, file.header.sequence) for file, _ in files] == [(4, 4, 1), (2, 2, 2)]
    assert {file.header.organisation for file, _ in files} == {"999"}
    asked = {one.reference: one.file for one in stand(home).asked.values()}
    assert asked == {row.reference: number for number, (_, rows) in enumerate(files, 1) for row in rows}


def test_who_was_asked_about_is_not_asked_again_until_something_changes(sent: House, tmp_path: Path) -> None:
    again = export(sent, tmp_path / "again.csv")
    assert (again.rows, again.files, again.left) == (0, [], {"asked-before": len(EXPORTED), "protected": 1})
    assert list(tmp_path.glob("*.csv")) == []
    changed = event("here", replace(HERE, given="Wilhelmina"), {"Event Start Date": "18/11/2026"}, step=2)
    take_in(sent, tmp_path / "later.csv", [changed])
    assert export(sent, tmp_path / "again.csv").rows == 1


def test_one_sources_records_alone(home: House, tmp_path: Path) -> None:
    assert export(home, tmp_path / "gp.csv", replace(UNRESOLVED, sources=frozenset({"gp"}))).rows == 0
    wanted = replace(UNRESOLVED, sources=frozenset({"social-care"}))
    assert export(home, tmp_path / "care.csv", wanted).rows == len(EXPORTED)


def test_an_organisation_asks_about_its_own_records_and_processing_about_everybodys(
    home: House, tmp_path: Path
) -> None:
    elsewhere = {"LA Code": "998", "LA Person Unique Identifier": "other"}
    take_in(home, tmp_path / "other.csv", [event("other", NOBODY, elsewhere)])
    assert export(home, tmp_path / "own.csv").rows == len(EXPORTED)
    done = export_requests(
        home, system(home, "system-link"), replace(UNRESOLVED, again=True), DBS, tmp_path / "all.dat"
    )
    assert done.rows == len(EXPORTED) + 1


def test_whom_a_file_names_is_in_the_ledger_before_the_file_is_there(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, seen = tmp_path / "requests.csv", []
    appear = onward_export._Run.appear

    def looked(run: onward_export._Run) -> None:
        home.stores.ledger.flush()
        seen.append((target.exists(), len(watch.rows("batch"))))
        appear(run)

    watch = Watch(home)
    monkeypatch.setattr(onward_export._Run, "appear", looked)
    export(home, target)
    assert seen == [(False, 1)]
    (row,) = watch.rows("batch")
    named = {home.stores.keys.subject_token(one.id) for one in AWAY if one.number in {SECRET.number, HERE.number}}
    assert named <= set(row.body["subjects"]["tokens"])
    assert (row.body["job"], row.body["result"]) == ("trace-export", "exported")
    assert target.exists()


def test_a_ledger_that_takes_no_row_lets_no_file_appear(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object, **_options: object) -> NoReturn:
        raise Unavailable("the ledger could not take the row", reason="ledger")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", full)
        with pytest.raises(Unavailable):
            export(home, tmp_path / "requests.csv")
    assert not (tmp_path / "requests.csv").exists()
    # and the next run asks as if nothing had been
    assert export(home, tmp_path / "requests.csv").rows == len(EXPORTED)


@pytest.mark.parametrize("same", [True, False])
def test_a_run_that_was_killed_while_writing_is_begun_again(
    home_made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, same: bool
) -> None:
    """The same command writes the same bytes; another one begins anew, and no question of the first is left over."""
    with copied(home_made, tmp_path / "whole") as house:
        # one clock: a DBS header says when it was made
        at = house.now()
        monkeypatch.setattr(type(house), "now", lambda _house: at)
        export(house, tmp_path / "undisturbed.dat", written=DBS)
    with copied(home_made, tmp_path / "killed") as house:
        remember = onward_export._Run._remember

        def die(run: onward_export._Run, page: list[tuple[object, Request]]) -> NoReturn:
            remember(run, page)  # type: ignore[arg-type]  # handed through
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(onward_export._Run, "_remember", die)
            with pytest.raises(KeyboardInterrupt):
                export(house, tmp_path / "requests.dat", written=DBS)
        assert [path.name for path in tmp_path.glob("*requests*")] == []
        if same:
            assert export(house, tmp_path / "requests.dat", written=DBS).rows == len(EXPORTED)
            assert (tmp_path / "requests.dat").read_bytes() == (tmp_path / "undisturbed.dat").read_bytes()
        else:
            assert export(house, tmp_path / "other.csv").rows == len(EXPORTED)
        assert house.stores.onward.waiting() == {"dbs" if same else "pds-mesh": len(EXPORTED)}


@pytest.mark.parametrize("same", [True, False])
def test_a_run_that_was_killed_while_naming_is_finished_by_the_next(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, same: bool
) -> None:
    def die(*_given: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(onward_export, "_finish", die)
        with pytest.raises(KeyboardInterrupt):
            export(home, tmp_path / "requests.csv")
    assert not (tmp_path / "requests.csv").exists()
    done = export(home, tmp_path / ("requests.csv" if same else "others.csv"))
    assert len(mesh_rows(tmp_path / "requests.csv")) == len(EXPORTED)
    assert (done.resumed, done.rows) == (same, len(EXPORTED) if same else 0)


def test_what_the_decision_narrows_is_left_out_and_what_it_drops_is_not_said(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may ask about few people, or say little of them, does so."""
    monkeypatch.setattr("gateway.gate.gate.Passage.allows", lambda _passage, name: name not in {"address", "gender"})
    export(home, tmp_path / "little.csv")
    rows = mesh_rows(tmp_path / "little.csv")
    assert {row["POSTCODE"] for row in rows} == {row["GENDER"] for row in rows} == {""}
    monkeypatch.setattr(Gate, "_mint", _narrowed(Gate._mint, (RowFilter(FilterKind.WITH_NHS_NUMBER),)))
    again = export(home, tmp_path / "few.csv", replace(UNRESOLVED, again=True))
    assert (again.rows, again.left) == (0, {NOT_IN_SCOPE: len(EXPORTED), "protected": 1})


def _narrowed(mint: object, filters: tuple[RowFilter, ...]) -> object:
    from gateway.storage import permit as room

    def made(gate: Gate, caller: object, decision: object, decision_id: str) -> Permit:
        permit = mint(gate, caller, decision, decision_id)  # type: ignore[operator]  # the gate's own
        parts = {name: getattr(permit, name) for name in ("caller", "organisation", "purpose", "agreement", "fields")}
        return room.mint(decision_id=decision_id, **parts, providers=permit.providers, row_filters=filters)

    return made


def test_unverified_needs_its_day(home: House, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unverified-since"):
        export(home, tmp_path / "x.csv", Wanted(Selection.UNVERIFIED))


def test_a_number_that_a_pds_index_holds_is_verified_by_it(national: House, tmp_path: Path) -> None:
    """In the national house every client is matched in an index that is PDS's own."""
    with copied(national.settings, tmp_path / "copy") as house:
        take_in(house, tmp_path / "clients.csv", [event("here", HERE, number=HERE.number)])
        info = house.stores.index.describe()
        assert info is not None
        assert export(house, tmp_path / "v.csv", Wanted(Selection.UNVERIFIED, info.as_of)).rows == 0
        later = info.as_of.replace(year=info.as_of.year + 1)
        assert export(house, tmp_path / "v.csv", Wanted(Selection.UNVERIFIED, later)).rows == 1


def test_a_folder_that_is_not_there_is_named(home: House, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        export(home, tmp_path / "nowhere" / "requests.csv")


def ask(**said: str) -> Request:
    return Request("Q1", family="Tregenza", birth_date="19661201", **said)


@pytest.mark.parametrize(
    ("request_", "layout", "charset", "came"),
    [
        (ask(address_line1="x" * 36, postcode="LE1 1AA"), REQUEST, Charset.UTF_8, ask(postcode="LE1 1AA")),
        (ask(email="x" * 91), pds_mesh.REQUEST, Charset.UTF_8, ask()),
        (ask(other_given="Łukasz"), pds_mesh.REQUEST, Charset.WINDOWS, ask()),
        (ask(given="x" * 41), pds_mesh.REQUEST, Charset.UTF_8, "too-long: GIVEN_NAME"),
        (ask(given="Łukasz"), pds_mesh.REQUEST, Charset.WINDOWS, "not-in-charset: GIVEN_NAME"),
        (ask(given="Łukasz"), pds_mesh.REQUEST, Charset.UTF_8, ask(given="Łukasz")),
    ],
)
def test_what_has_no_room_is_left_out_whole_and_names_are_never_cut(
    request_: Request, layout: Sequence[str], charset: Charset, came: Request | str
) -> None:
    assert fitted(request_, layout, Style(charset)) == came  # type: ignore[arg-type]  # layouts of two formats
