"""The residue put to PDS, question by question: over HTTP to the gateway's own PDS surface, and against a script."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import make_server

from gateway.app import create_app
from gateway.auth.tokens import issue_token
from gateway.errors import InputError, Unavailable, UpstreamError
from gateway.fhir.outcome import PDS_BASE
from gateway.services.tracing import onward_ask
from gateway.services.tracing.onward_ask import ask_pds
from gateway.services.tracing.onward_cascade import Cascade, Found, Query, search, whole
from gateway.storage.ledger import Ledger
from gateway.storage.links import Basis
from gateway.transports.pds import PdsClient
from linkage.person import Demographics
from tests.gateway.houses import STRANGER, Watch, persona, system
from tests.gateway.services.onward_fixtures import home, home_made, national
from tests.gateway.services.onward_houses import EXPORTED, HERE, RENAMED, SECRET, stand
from tests.gateway.transports.upstreams import Time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.house import House
    from gateway.services.tracing.onward_ask import AskablePds, AskReport
    from linkage.nhs_number import NhsNumber

__all__ = ["home", "home_made", "national"]

BIRTH = "1941-03-15"
ASKED = Demographics(family="Patelova", given="Amina", birth_date=BIRTH, postcode="LE2 1AA")


@pytest.fixture(scope="module")
def upstream(national: House) -> Iterator[PdsClient]:
    """A client of the national house's PDS surface, served by HTTP in a thread."""
    server = make_server("127.0.0.1", 0, create_app(house=national), threaded=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    token = issue_token(national, persona(national, "social-worker"))
    client = PdsClient(f"http://127.0.0.1:{server.server_port}{PDS_BASE}", token, patience=Time().patience())
    yield client
    client.close()
    server.shutdown()
    server.server_close()


def ask(house: House, pds: AskablePds, limit: int | None = None, *, again: bool = False) -> AskReport:
    return ask_pds(house, system(house, "system-link"), pds, limit, again=again)


class Script:
    """A PDS that gives what it is told to, and remembers what it was asked."""

    age = 0.0

    def __init__(self, patient: dict[str, Any] | Exception | None = None, found: Found | None = None) -> None:
        self.held = patient
        self.found = found or Found()
        self.asked: list[str] = []

    def patient(self, _number: NhsNumber) -> dict[str, Any] | None:
        """Give the patient, or fail."""
        self.asked.append("patient")
        if isinstance(self.held, Exception):
            raise self.held
        return self.held

    def search(self, query: Query) -> Found:
        """Give what was found, or fail."""
        self.asked.append(query.family)
        if isinstance(self.held, Exception):
            raise self.held
        return self.found


def test_the_residue_is_asked_about_over_http_and_settled(home: House, upstream: PdsClient, national: House) -> None:
    seen = Watch(national)
    done = ask(home, upstream)
    assert (done.asked, done.left) == (len(EXPORTED), {"protected": 1})
    assert done.became == {"confirmed": 3, "number-moved": 1, "not-found": 2}
    after = stand(home)
    assert {ref: (one.status, one.nhs_number) for ref, one in after.checks.items()} == {
        "stranger": ("01", STRANGER.number),
        "renamed": ("01", RENAMED.number),
        "secret": ("01", SECRET.number),
        "here": ("01", HERE.number),
        "withdrawn": ("05", ""),
        "nobody": ("04", ""),
    }
    assert after.checks["secret"].restricted
    assert {after.links[ref].basis for ref in ("stranger", "renamed", "secret", "here")} == {Basis.PDS}
    # each question is a row at home and one or more in the other house
    assert len(seen.rows("disclosure")) >= len(EXPORTED)
    # and nobody is asked about twice
    again = ask(home, upstream)
    assert (again.asked, again.left) == (0, {"asked-before": 2, "protected": 1})


def test_a_question_is_decided_and_in_the_ledger_before_it_is_sent(home: House) -> None:
    watch, rows = Watch(home), []

    class Looking(Script):
        def patient(self, number: NhsNumber) -> dict[str, Any] | None:
            rows.append(len(watch.rows("disclosure")))
            return super().patient(number)

        def search(self, query: Query) -> Found:
            rows.append(len(watch.rows("disclosure")))
            return super().search(query)

    ask(home, Looking(), limit=1)
    assert set(rows) == {1}
    (row,) = watch.rows("disclosure")
    assert row.body["result"] == "asks-pds"


def test_a_ledger_that_takes_no_row_sends_nothing(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object, **_options: object) -> None:
        raise Unavailable("the ledger could not take the row", reason="ledger")

    pds = Script()
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", full)
        with pytest.raises(Unavailable):
            ask(home, pds)
    assert pds.asked == []


def test_a_run_that_was_stopped_goes_on_where_it_was(home: House) -> None:
    assert ask(home, Script(), limit=2).asked == 2
    with pytest.raises(UpstreamError):
        ask(home, Script(UpstreamError("gone", reason="upstream-silent")))
    assert len(stand(home).asked) == 2
    assert ask(home, Script()).asked == len(EXPORTED) - 2
    assert ask(home, Script(), again=True).asked == len(EXPORTED)


def patient(number: str, **other: object) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": number, **other}


def test_what_is_found_with_other_details_is_proposed_and_no_more(home: House) -> None:
    """PDS found somebody by wildcards: the house's own model does not think it is the person."""
    unlike = patient(
        STRANGER.number, name=[{"use": "usual", "family": "Else", "given": ["Somebody"]}], birthDate="1970-06-06"
    )
    done = ask(home, Script(found=Found(unlike)))
    assert done.became["proposed"] == 2  # the two who came without a number
    assert done.became["another-number"] == 4
    assert stand(home).links["stranger"].basis is Basis.ALPHANUMERIC
    assert stand(home).checks["stranger"].status == "02"


def test_several_and_unusable_answers_are_put_down_as_such(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(home, Script(found=Found(several=True))).became == {"several": len(EXPORTED)}
    with pytest.raises(InputError, match="never-issued"):
        ask(home, Script(found=Found(patient("40102" + "32137"))), again=True)
    monkeypatch.setattr(onward_ask, "is_test_number", lambda _settings, _number: True)
    assert ask(home, Script(found=Found(patient(STRANGER.number))), again=True).became == {"refused": len(EXPORTED)}


def test_a_patient_without_a_number_of_its_own_is_no_answer(home: House) -> None:
    pds = Script(patient=patient("not a number"))
    assert ask(home, pds).became == {"not-found": len(EXPORTED)}
    assert pds.asked.count("patient") == 4


def test_the_age_of_an_answer_that_was_used_again_is_told(home: House) -> None:
    pds = Script()
    pds.age = 42.0
    assert ask(home, pds, limit=1).oldest == 42.0


class Steps:
    """A search that finds what each step is told to."""

    def __init__(self, *found: Found) -> None:
        self.left = list(found)
        self.asked: list[Query] = []

    def search(self, query: Query) -> Found:
        """Give the next."""
        self.asked.append(query)
        return self.left.pop(0) if self.left else Found()


ONE, OTHER = Found(patient(STRANGER.number)), Found(patient(RENAMED.number))
MANY = Found(several=True)


@pytest.mark.parametrize(
    ("found", "came"),
    [
        ([ONE], Cascade(ONE, several=False, steps=5, exact=True)),
        ([Found(), ONE], Cascade(ONE, several=False, steps=5, exact=False)),
        ([ONE, ONE, Found(), ONE], Cascade(ONE, several=False, steps=5, exact=True)),
        ([ONE, OTHER], Cascade(Found(), several=True, steps=2, exact=False)),
        ([MANY, ONE], Cascade(ONE, several=False, steps=6, exact=False)),
        ([MANY], Cascade(Found(), several=True, steps=6, exact=False)),
        ([], Cascade(Found(), several=False, steps=5, exact=False)),
        ([Found(patient("x"))], Cascade(Found(), several=False, steps=5, exact=False)),
    ],
)
def test_only_a_number_that_every_step_with_a_hit_gives_is_taken(found: list[Found], came: Cascade) -> None:
    assert search(Steps(*found), ASKED) == came


@given(st.lists(st.sampled_from([Found(), ONE, OTHER, MANY]), max_size=6))
def test_nobody_is_taken_whom_one_step_contradicts(found: list[Found]) -> None:
    steps = Steps(*found)
    came = search(steps, ASKED)
    hits = {one.number for one in found[: came.steps] if one.number}
    assert came.steps == len(steps.asked)
    assert came.found.number == (hits.pop() if len(hits) == 1 else None)


def test_the_steps_go_from_all_that_is_known_to_what_may_be_mistyped() -> None:
    steps = Steps(MANY)
    search(steps, ASKED)
    first = Query("Patelova", "Amina", BIRTH, "LE21AA")
    assert steps.asked == [
        first,
        replace(first, history=False),
        replace(first, postcode="LE*"),
        replace(first, given="Ami*"),
        replace(first, family="Pat*"),
        replace(first, given="Ami*", postcode="LE*"),
    ]
    assert "_history" not in steps.asked[1].params()


def test_short_names_and_absent_postcodes_have_no_wildcard_step() -> None:
    steps = Steps()
    search(steps, replace(ASKED, family="Ng", given="Al", postcode=""))
    assert steps.asked == [Query("Ng", "Al", BIRTH)]


@pytest.mark.parametrize("lacking", [{"family": ""}, {"birth_date": "1941-03"}, {"birth_date": "x"}, {"family": "P*"}])
def test_what_pds_would_refuse_is_not_asked(lacking: dict[str, str]) -> None:
    told = replace(ASKED, **lacking)  # type: ignore[arg-type]  # texts all of them
    assert whole(told) is None
    assert search(Steps(), told).steps == 0
