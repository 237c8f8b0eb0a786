"""Export, the national service's answer, import: every answer comes home to the record it is about, and no other."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.spine import dbs
from adapters.spine.dbs_columns import RecordType, Returned
from adapters.spine.dbs_columns import Response as DbsResponse
from adapters.spine.tracing import Code, Indicator, Request
from fixtures.rates import AS_OF
from gateway.errors import InputError
from gateway.ids import person_id, person_id_without_number
from gateway.services.governance.facts import load_facts
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.services.tracing import onward_import
from gateway.services.tracing.formats import Format
from gateway.services.tracing.onward_changes import write_changes
from gateway.services.tracing.onward_export import Body, Written
from gateway.services.tracing.onward_select import Selection, Wanted
from gateway.storage.links import Basis, LinkKind, NewLink
from gateway.storage.outbox import Outbox, Outgoing, Topic
from ig.decide import Known, SubjectRef
from ig.purpose import Dataset, Element, Level
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import (
    AMINA,
    STRANGER,
    TODAY,
    Watch,
    copied,
    event,
    facts_csv,
    index_csv,
    persona,
    system,
    take_in,
)
from tests.gateway.services.onward_fixtures import home, home_made, national, response, sent, sent_made
from tests.gateway.services.onward_houses import (
    EXPORTED,
    HERE,
    NOBODY,
    RENAMED,
    REPLACED,
    SECRET,
    UNRESOLVED,
    WITHDRAWN,
    answered,
    bring_home,
    client,
    export,
    permitted,
    response_file,
    said,
    stand,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage.database import Tx


__all__ = ["home", "home_made", "national", "response", "sent", "sent_made"]


def of(number: str) -> str:
    return person_id(NhsNumber(number))


MESH_CODES = {"stranger": "00", "renamed": "90", "secret": "92", "here": "00", "withdrawn": "98", "nobody": "98"}
DBS_CODES = {"stranger": "20", "renamed": "40", "secret": "30", "here": "30", "withdrawn": "31", "nobody": "21"}


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        (Written(Format.PDS_MESH), MESH_CODES),
        (Written(Format.DBS, body=Body.FIXED), DBS_CODES),
        (Written(Format.DBS, body=Body.CSV), DBS_CODES),
    ],
    ids=["pds-mesh", "dbs-fixed", "dbs-csv"],
)
def test_what_is_exported_and_answered_comes_home(
    home: House, national: House, tmp_path: Path, written: Written, codes: dict[str, str]
) -> None:
    """The must-show of the issue: every code, number and status at its record, whichever the format."""
    before = stand(home).links
    done = export(home, tmp_path / "requests.dat", written=written)
    assert (done.rows, done.files, done.left) == (6, [tmp_path / "requests.dat"], {"protected": 1})
    home_again = bring_home(home, answered(national, written.layout, tmp_path / "requests.dat"), written.layout)
    assert (home_again.rows, home_again.quarantined) == (6, {})
    assert home_again.became == {"confirmed": 2, "number-moved": 1, "proposed": 1, "not-found": 2}
    after = stand(home)
    assert {ref: one.code for ref, one in after.checks.items()} == codes
    assert {ref: (one.status, one.nhs_number) for ref, one in after.checks.items()} == {
        "stranger": ("02", STRANGER.number),
        "renamed": ("01", RENAMED.number),
        "secret": ("01", SECRET.number),
        "here": ("01", HERE.number),
        "withdrawn": ("05", ""),
        "nobody": ("04", ""),
    }
    assert {ref: link.basis for ref, link in after.links.items() if link != before[ref]} == {
        "stranger": Basis.ALPHANUMERIC,
        "renamed": Basis.PDS,
        "secret": Basis.PDS,
        "here": Basis.PDS,
    }
    assert after.links["renamed"].person_id == of(RENAMED.number)
    assert after.links["stranger"].person_id == of(STRANGER.number)


def test_the_same_answers_a_second_time_change_nothing(sent: House, response: Path, tmp_path: Path) -> None:
    first = bring_home(sent, response)
    digest = sent.stores.digest()
    again = bring_home(sent, response)
    assert (again.already, again.same, again.rows) == (True, first.rows, first.rows)
    # also as another file: with one more row, whose answer is known by its question
    with_more = tmp_path / "with_more.csv"
    (question,) = [one for ref, one in stand(sent).asked.items() if ref == "here"]
    rows = [said(question, Code.SUCCESS, HERE.number, Indicator.CROSS_CHECK)]
    one_known = bring_home(sent, response_file(with_more, rows))
    assert (one_known.already, one_known.same, one_known.became) == (False, 1, {})
    assert sent.stores.digest() == digest


def test_what_the_service_settled_stands_in_the_next_run_of_linking(sent: House, response: Path) -> None:
    """The index still does not know these people: what it finds nobody for must not undo what PDS confirmed."""
    bring_home(sent, response)
    before = {ref: link.person_id for ref, link in stand(sent).links.items()}
    with sent.stores.transaction() as tx:
        sent.stores.traces.forget_all(tx)
    link_all(sent, system(sent, "system-link"))
    assert {ref: link.person_id for ref, link in stand(sent).links.items()} == before


def test_details_that_changed_since_are_for_the_model_again(sent: House, response: Path, tmp_path: Path) -> None:
    bring_home(sent, response)
    changed = event("here", replace(HERE, given="Wilhelmina"), {"Event Start Date": "18/11/2026"}, step=2)
    take_in(sent, tmp_path / "later.csv", [changed])
    assert stand(sent).links["here"].basis is Basis.OWN
    asked = export(sent, tmp_path / "changed.csv", Wanted(Selection.CHANGED))
    assert asked.rows == 1


def test_an_answer_about_other_details_than_todays_is_put_down_and_not_applied(
    sent: House, response: Path, tmp_path: Path
) -> None:
    changed = event("here", replace(HERE, given="Wilhelmina"), {"Event Start Date": "18/11/2026"}, step=2)
    take_in(sent, tmp_path / "later.csv", [changed])
    done = bring_home(sent, response)
    assert done.became["details-changed"] == 1
    assert stand(sent).links["here"].basis is Basis.OWN
    assert "here" not in stand(sent).checks
    assert stand(sent).asked["here"].meaning == "found"


def test_a_number_that_moved_is_told_and_remembered_for_opt_outs_and_pseudonyms(
    sent: House, response: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Outgoing] = []
    put = Outbox.put

    def heard(outbox: Outbox, tx: Tx, messages: Sequence[Outgoing]) -> int:
        told.extend(messages)
        return put(outbox, tx, messages)

    monkeypatch.setattr(Outbox, "put", heard)
    bring_home(sent, response)
    (one,) = told
    assert (one.topic, one.organisation, one.source_person_id) == (Topic.NUMBER_CHANGED, "999", client("renamed"))
    with permitted(sent) as permit:
        assert of(RENAMED.number) in sent.stores.successions.family(permit, of(REPLACED.number))


def test_an_older_answer_does_not_undo_a_newer_one(sent: House, response: Path, tmp_path: Path) -> None:
    old = stand(sent).asked
    again = export(sent, tmp_path / "again.csv", Wanted(Selection.UNRESOLVED, again=True))
    assert again.rows == len(EXPORTED)
    new = stand(sent).asked
    assert {one.file for one in old.values()} == {1}
    assert {one.file for one in new.values()} == {2}
    bring_home(sent, response_file(tmp_path / "new.csv", [said(new["here"], Code.NOT_FOUND, "0" * 10)]))
    done = bring_home(sent, response)
    assert done.became["overtaken"] == 1
    assert stand(sent).checks["here"].status == "05"


def test_withdrawn_several_refused_and_untraced_each_leave_the_record_as_it_should_be(
    sent: House, tmp_path: Path
) -> None:
    asked = stand(sent).asked
    rows = [
        said(asked["withdrawn"], Code.INVALID_RECORD, "0" * 10, Indicator.CROSS_CHECK),
        said(asked["stranger"], Code.SEVERAL_CLOSE, "9" * 10, Indicator.ALGORITHMIC),
        said(asked["nobody"], Code.NOT_ENOUGH_DATA),
        said(asked["here"], Code.NOT_TRACED),
        said(asked["secret"], Code.TOO_LONG),
        said(asked["renamed"], Code.INVALID_RECORD, RENAMED.number, Indicator.CROSS_CHECK),
    ]
    done = bring_home(sent, response_file(tmp_path / "r.csv", rows))
    assert done.became == {
        "number-withdrawn": 1,
        "several": 1,
        "not-enough": 1,
        "not-traced": 1,
        "refused": 1,
        "number-moved": 1,
    }
    after = stand(sent)
    assert {ref: one.status for ref, one in after.checks.items()} == {
        "withdrawn": "05",
        "stranger": "04",
        "nobody": "03",
        "renamed": "01",
    }
    link_all(sent, system(sent, "system-link"))
    assert stand(sent).links["withdrawn"].person_id == person_id_without_number(client("withdrawn"))
    # what was not traced is asked again, what was refused is not
    again = export(sent, tmp_path / "again.csv")
    assert (again.rows, again.left["asked-before"]) == (1, 4)


@pytest.fixture
def sent_to_dbs(home: House, tmp_path: Path) -> House:
    """The council's house, waiting for an answer of DBS."""
    export(home, tmp_path / "requests.dat", written=Written(Format.DBS))
    return home


def dbs_response(path: Path, rows: list[DbsResponse]) -> Path:
    kind, body = dbs.FileType.RESPONSE, dbs.Body.CSV
    header = dbs.Header(kind, "001", body, "999", "DBS", "20261001093000", 1, len(rows))
    path.write_bytes(b"".join(dbs.write_responses(header, rows)))
    return path


def test_dbs_says_whom_it_found_and_the_house_looks_at_that_too(sent_to_dbs: House, tmp_path: Path) -> None:
    """A find whose returned details the house's own model matches is confirmed; other details only propose."""
    asked = {ref: Request(one.reference, one.nhs_number) for ref, one in stand(sent_to_dbs).asked.items()}
    matching = Returned(
        family=STRANGER.family, given=STRANGER.given, birth_date="19700606", gender="1", postcode=STRANGER.postcode
    )
    unlike = Returned(family="Else", given="Somebody", birth_date="19310131", gender="2")
    unreadable = replace(matching, birth_date="19310231")
    rows = [
        DbsResponse(asked["stranger"], RecordType.SINGLE, STRANGER.number, 1, matching),
        DbsResponse(asked["nobody"], RecordType.SINGLE, NOBODY.number, 1, unlike),
        DbsResponse(asked["here"], RecordType.UNVERIFIED_SINGLE, RENAMED.number, 1),
        DbsResponse(asked["renamed"], RecordType.UNVERIFIED_SEVERAL, "", 2),
        DbsResponse(asked["secret"], RecordType.TIMED_OUT),
        DbsResponse(asked["withdrawn"], RecordType.INSUFFICIENT),
    ]
    done = bring_home(sent_to_dbs, dbs_response(tmp_path / "r.dat", rows), Format.DBS)
    assert done.became == {
        "confirmed": 1,
        "proposed": 1,
        "another-number": 1,
        "several": 1,
        "not-traced": 1,
        "not-enough": 1,
    }
    after = stand(sent_to_dbs)
    assert {ref: one.status for ref, one in after.checks.items()} == {
        "stranger": "01",
        "nobody": "02",
        "here": "05",
        "renamed": "05",
        "withdrawn": "03",
    }
    assert after.links["stranger"].basis is Basis.PDS
    export(sent_to_dbs, tmp_path / "again.dat", replace(UNRESOLVED, again=True), Written(Format.DBS))
    again = Request(stand(sent_to_dbs).asked["withdrawn"].reference, WITHDRAWN.number)
    rows = [DbsResponse(again, RecordType.UNVERIFIED_SINGLE, WITHDRAWN.number, 1, unreadable)]
    done = bring_home(sent_to_dbs, dbs_response(tmp_path / "s.dat", rows), Format.DBS)
    assert done.became == {"proposed": 1}


def test_a_dbs_file_that_lost_a_row_is_refused(sent_to_dbs: House, tmp_path: Path) -> None:
    asked = stand(sent_to_dbs).asked
    rows = [DbsResponse(Request(one.reference, one.nhs_number), RecordType.TIMED_OUT) for one in asked.values()]
    path = dbs_response(tmp_path / "r.dat", rows)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(InputError, match="a line break inside an address"):
        bring_home(sent_to_dbs, path, Format.DBS)


def test_another_number_than_the_one_sent_is_for_somebody_to_look_at(sent: House, tmp_path: Path) -> None:
    asked = stand(sent).asked
    rows = [said(asked["here"], Code.SUCCESS, RENAMED.number, Indicator.ALPHANUMERIC)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"another-number": 1}
    after = stand(sent)
    assert (after.checks["here"].status, after.checks["here"].nhs_number) == ("05", "")
    assert after.links["here"].basis is Basis.OWN


def test_a_number_that_the_service_found_itself_is_not_confirmed_by_asking_it_again(
    sent: House, response: Path, tmp_path: Path
) -> None:
    bring_home(sent, response)
    done = export(sent, tmp_path / "verify.csv", Wanted(Selection.UNVERIFIED, since=sent.now().date()))
    question = stand(sent).asked["stranger"]
    assert (done.rows > 0, question.nhs_number) == (True, STRANGER.number)
    rows = [said(question, Code.SUCCESS, STRANGER.number, Indicator.CROSS_CHECK)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"proposed": 1}
    assert stand(sent).checks["stranger"].status == "02"
    assert stand(sent).links["stranger"].basis is Basis.ALPHANUMERIC


@pytest.mark.parametrize("sealed", [False, True])
def test_what_a_person_ruled_out_no_answer_joins(sent: House, tmp_path: Path, *, sealed: bool) -> None:
    never = NewLink(client("here"), of(HERE.number), LinkKind.NEVER, Basis.PERSON, "reviewer", sealed=sealed)
    with sent.stores.transaction() as tx:
        sent.stores.links.append(tx, [never])
    rows = [said(stand(sent).asked["here"], Code.SUCCESS, HERE.number, Indicator.CROSS_CHECK)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"kept-apart": 1}
    assert stand(sent).links["here"].basis is Basis.OWN
    assert stand(sent).checks["here"].status == "05"


def test_whoever_a_person_said_it_is_it_stays(sent: House, tmp_path: Path) -> None:
    fact = NewLink(client("here"), AMINA.id, LinkKind.IS, Basis.PERSON, "reviewer", nhs_number=AMINA.number)
    with sent.stores.transaction() as tx:
        sent.stores.links.append(tx, [fact])
    asked = stand(sent).asked["here"]
    rows = [said(asked, Code.SUCCESS, HERE.number, Indicator.CROSS_CHECK)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"kept-apart": 1}
    assert stand(sent).links["here"].person_id == AMINA.id


def test_a_protected_person_is_joined_to_nothing_by_an_answer(sent: House, tmp_path: Path) -> None:
    rows = [said(stand(sent).asked["stranger"], Code.SUCCESS, TODAY.number, Indicator.ALPHANUMERIC)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"kept-apart": 1}
    assert stand(sent).links["stranger"].basis is Basis.OWN


def test_two_records_that_somebody_separated_are_not_given_one_person(sent: House, tmp_path: Path) -> None:
    apart = person_id_without_number(client("stranger"))
    fact = NewLink(client("nobody"), apart, LinkKind.NEVER, Basis.PERSON, "reviewer")
    with sent.stores.transaction() as tx:
        sent.stores.links.append(tx, [fact])
    asked = stand(sent).asked
    found = (Code.SUCCESS, STRANGER.number, Indicator.ALPHANUMERIC)
    both = [said(asked[ref], *found) for ref in ("stranger", "nobody")]
    assert bring_home(sent, response_file(tmp_path / "both.csv", both)).became == {"kept-apart": 2}
    links = stand(sent).links
    assert links["stranger"].person_id != links["nobody"].person_id


def test_a_number_kept_by_a_person_is_not_ruled_out_by_its_withdrawal(sent: House, tmp_path: Path) -> None:
    decided = NewLink(
        client("withdrawn"), of(WITHDRAWN.number), LinkKind.IS, Basis.PERSON, "r", nhs_number=WITHDRAWN.number
    )
    with sent.stores.transaction() as tx:
        sent.stores.links.append(tx, [decided])
    rows = [said(stand(sent).asked["withdrawn"], Code.INVALID_RECORD, "0" * 10)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"number-withdrawn": 1}
    assert stand(sent).links["withdrawn"].basis is Basis.PERSON


def test_rows_that_cannot_be_believed_wait_in_quarantine_with_their_reason(sent: House, tmp_path: Path) -> None:
    asked = stand(sent).asked
    stray = replace(asked["here"], reference="QNEVERSENT")
    rows = [
        said(stray, Code.SUCCESS, HERE.number, Indicator.CROSS_CHECK),
        said(asked["here"], Code.SUCCESS, RENAMED.number, Indicator.CROSS_CHECK, echo=RENAMED.number),
        said(asked["stranger"], Code.SUCCESS, STRANGER.number[:-1] + "9", Indicator.ALPHANUMERIC),
        said(asked["nobody"], Code.NOT_FOUND, "0" * 10),
        said(asked["nobody"], Code.SUCCESS, NOBODY.number, Indicator.ALPHANUMERIC),
        said(asked["nobody"], Code.NOT_FOUND, "0" * 10),
    ]
    done = bring_home(sent, response_file(tmp_path / "odd.csv", rows))
    rules = {"never-asked": 1, "another-question": 1, "not-an-nhs-number": 1, "answered-otherwise": 1}
    assert (done.quarantined, done.same, done.became) == (rules, 1, {"not-found": 1})
    held = sent.stores.quarantine.list(source=onward_import.SOURCE)
    assert {(row.feed, row.rule) for row in held} == {("odd.csv", rule) for rule in rules}
    with (tmp_path / "broken.csv").open("wb") as file:
        text = response_file(tmp_path / "whole.csv", [said(asked["here"], Code.NOT_FOUND, "0" * 10)]).read_bytes()
        file.write(text.replace(b",98,", b",zz,"))
    assert bring_home(sent, tmp_path / "broken.csv").quarantined == {"unknown-code": 1}


def test_a_file_with_another_number_of_rows_than_its_header_says_is_refused_by_its_hazard(
    sent: House, tmp_path: Path
) -> None:
    rows = [said(stand(sent).asked["here"], Code.NOT_FOUND, "0" * 10)]
    with pytest.raises(InputError, match=r"a line break inside an address .* \(file response code 04\)"):
        bring_home(sent, response_file(tmp_path / "short.csv", rows, records=2))
    with pytest.raises(InputError, match=r"the service refused the request file \(file response code 06\)"):
        bring_home(sent, response_file(tmp_path / "refused.csv", [], code=Code.TOO_MANY_RECORDS))
    (tmp_path / "none.csv").write_text("not a response\n")
    with pytest.raises(InputError, match="file response code 01"):
        bring_home(sent, tmp_path / "none.csv")
    assert "here" not in stand(sent).checks


def test_a_demonstration_takes_no_number_that_could_be_somebodys(sent: House, tmp_path: Path) -> None:
    issued = "40102" + "32137"
    rows = [said(stand(sent).asked["stranger"], Code.SUCCESS, issued, Indicator.ALPHANUMERIC)]
    with pytest.raises(InputError, match="never-issued"):
        bring_home(sent, response_file(tmp_path / "r.csv", rows))


def test_production_sets_a_test_number_aside(sent: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onward_import, "is_test_number", lambda _settings, number: bool(number))
    rows = [said(stand(sent).asked["stranger"], Code.SUCCESS, STRANGER.number, Indicator.ALPHANUMERIC)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).quarantined == {"test-number": 1}


def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    sent_made: tuple[Settings, Path], response: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onward_import, "_BATCH", 2)
    with copied(sent_made[0], tmp_path / "undisturbed") as house:
        whole = bring_home(house, response)
        digest = house.stores.digest()
    with copied(sent_made[0], tmp_path / "stopped") as house:
        stored = onward_import._store
        calls = []

        def stumble(*given: object) -> None:
            calls.append(given)
            if len(calls) == 3:
                raise KeyboardInterrupt
            stored(*given)  # type: ignore[arg-type]  # handed through

        monkeypatch.setattr(onward_import, "_store", stumble)
        with pytest.raises(KeyboardInterrupt):
            bring_home(house, response)
        monkeypatch.setattr(onward_import, "_store", stored)
        assert house.stores.digest() != digest
        assert bring_home(house, response) == whole
        assert house.stores.digest() == digest


def test_the_ledger_says_whom_an_import_joined(sent: House, response: Path) -> None:
    watch = Watch(sent)
    bring_home(sent, response)
    (row,) = watch.rows("batch")
    joined = {of(one.number) for one in (STRANGER, RENAMED, SECRET, HERE)}
    tokens = {sent.stores.keys.subject_token(one) for one in joined}
    assert tokens <= set(row.body["subjects"]["tokens"])
    assert (row.body["job"], row.body["result"]) == ("trace-import", "imported")


def test_whom_the_service_calls_restricted_has_no_place_in_any_answer(
    sent: House, response: Path, tmp_path: Path
) -> None:
    """Also where the index, which is older, has them unrestricted."""
    bring_home(sent, response)
    assert stand(sent).checks["secret"].restricted
    plain = replace(SECRET, sensitivity="U")
    load_index(sent, system(sent, "system-index"), IndexSource(index_csv(tmp_path / "i.csv", [plain]), "demo", AS_OF))
    for restricted in (True, False):
        with sent.gate.permit(
            persona(sent, "social-worker"),
            level=Level.PATIENT,
            datasets={Dataset.INDEX},
            fields={Element.NAME, Element.ADDRESS},
            subject=Known(SubjectRef(SECRET.id)),
        ) as passage:
            assert passage.allows(Element.ADDRESS) is not restricted
        if restricted:
            # PDS says later that they are not any more
            export(sent, tmp_path / "again.csv", Wanted(Selection.UNVERIFIED, date(2999, 1, 1), again=True))
            rows = [said(stand(sent).asked["secret"], Code.SUCCESS, SECRET.number, Indicator.CROSS_CHECK)]
            bring_home(sent, response_file(tmp_path / "lifted.csv", rows))


def rows_of(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1:] for row in csv.reader(file)}


def test_each_case_system_is_told_what_changed_and_only_once(sent: House, response: Path, tmp_path: Path) -> None:
    team = persona(sent, "data-team")
    target = tmp_path / "numbers.csv"
    waiting = write_changes(sent, team, "social-care", target)
    today = sent.now().date().isoformat()
    told = rows_of(target)
    assert told.pop("LA Person Unique Identifier") == [
        "Old NHS Number", "NHS Number", "NHS Number Status", "Checked Against", "Checked On",
    ]  # fmt: skip
    assert (waiting.rows, waiting.batch) == (len(told), 1)
    assert told["here"] == [HERE.number, HERE.number, "06", "pds-mesh", today]
    bring_home(sent, response)
    write_changes(sent, team, "social-care", target)
    told = rows_of(target)
    assert told["renamed"] == [REPLACED.number, RENAMED.number, "01", "pds-mesh", today]
    assert told["stranger"] == ["", STRANGER.number, "02", "pds-mesh", today]
    assert told["withdrawn"] == [WITHDRAWN.number, WITHDRAWN.number, "05", "pds-mesh", today]
    assert told["nobody"] == ["", "", "04", "pds-mesh", today]
    assert "amina" not in told
    target.unlink()
    assert write_changes(sent, team, "social-care", target).rows == 0
    assert not target.exists()


def test_a_seal_that_came_since_the_question_went_out_holds(sent: House, tmp_path: Path) -> None:
    sealed = f"never-link,{NOBODY.number},{REPLACED.number},protected,2026-01-01,"
    load_facts(sent, "never-link", facts_csv(tmp_path / "sealed.csv", sealed))
    rows = [said(stand(sent).asked["renamed"], Code.SUPERSEDED, RENAMED.number, Indicator.CROSS_CHECK)]
    assert bring_home(sent, response_file(tmp_path / "r.csv", rows)).became == {"kept-apart": 1}
