"""A signal marks a person of ours to be read anew, says nothing of how they changed, and is not asked about twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from fixtures.rates import AS_OF
from gateway.errors import InputError, NotPermitted, UpstreamError
from gateway.services.changes.reread import reread
from gateway.services.changes.signals import take_files, take_signal
from tests.gateway.houses import AMINA, BRAM, STRANGER, Watch, nth, persona, system
from tests.gateway.services.changes.senders import find, link_and_find, patient, reader, reload, send, standing

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.house import House
    from gateway.services.changes.reread import RereadReport
    from linkage.nhs_number import NhsNumber


def cloud_event(number: str, event: str = "pds-record-change-2", at: str = "2026-10-01T13:00:00Z") -> bytes:
    return orjson.dumps({"specversion": "1.0", "id": "1", "type": event, "time": at, "subject": number})


def history(number: str, version: int) -> bytes:
    """MNS's FHIR form, with a version."""
    context = [
        {"name": "event-type", "valueString": "pds-record-change-2"},
        {"name": "subject", "valueReference": {"identifier": {"value": number}}},
        {"name": "version-id", "valueString": f'W/"{version}"'},
    ]
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "additional-context", "part": context}]}
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "timestamp": "2026-10-01T13:00:00Z",
        "entry": [{"resource": parameters}],
    }
    return orjson.dumps(bundle)


class Upstream:
    """PDS as far as these tests need it: bodies by number, and an order not to answer."""

    def __init__(self, *bodies: dict[str, Any], **others: dict[str, Any]) -> None:
        self.held = {body["id"]: body for body in bodies} | others
        self.asked: list[str] = []
        self.down = False

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Return the Patient now known by ``number``."""
        if self.down:
            raise UpstreamError("PDS answered 503", reason="upstream-refused")
        self.asked.append(number.digits)
        return self.held.get(number.digits)


def pds_patient(number: str, *, version: int = 5, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - elements by name
    security = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "U"}
    body = patient(replace(BRAM, number=number), **said)
    return body | {"id": number, "meta": {"versionId": str(version), "security": [security]}}


def signalled(house: House, *signals: bytes) -> list[tuple[int, int, int]]:
    caller = system(house, "system-changes")
    done = [take_signal(house, caller, data) for data in signals]
    return [(one.marked, one.held, one.strangers) for one in done]


def read_again(house: House, pds: Upstream | None) -> RereadReport:
    return reread(house, system(house, "system-changes"), system(house, "system-index"), pds)


def test_a_signal_marks_whom_the_index_holds_and_keeps_nothing_of_others(own_town: House) -> None:
    watch = Watch(own_town)
    assert signalled(own_town, cloud_event(BRAM.number), cloud_event(STRANGER.number)) == [(1, 0, 0), (0, 0, 1)]
    assert [one.nhs_number for one in own_town.stores.signals.waiting(reader())] == [BRAM.number]
    tokens = {own_town.stores.keys.subject_token(BRAM.id)}
    assert {row.kind for row in watch.rows()} == {"batch"}
    assert len(own_town.stores.ledger.search(subject=tokens.pop(), limit=10)) == 1
    assert BRAM.number not in watch.text()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "signal-not-json"),
        (b"[]", "signal-shape"),
        (cloud_event("999 000 0000"), "signal-nhs-number"),
        (cloud_event(BRAM.number, "gpreg-change-gp-req-1"), "signal-event"),
        (b'<!DOCTYPE x [<!ENTITY e "x">]><Bundle/>', "signal-document-type"),
    ],
)
def test_what_is_no_signal_is_refused_by_rule(town: House, data: bytes, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        take_signal(town, system(town, "system-changes"), data)
    assert refused.value.reason == reason


def test_nobody_without_the_grant_may_say_that_somebody_changed(town: House) -> None:
    with pytest.raises(NotPermitted):
        take_signal(town, persona(town, "data-team"), cloud_event(BRAM.number))


def test_files_of_signals_are_taken_in_and_the_bad_ones_counted(own_town: House, tmp_path: Path) -> None:
    folder = tmp_path / "signals"
    folder.mkdir()
    for place, data in enumerate((cloud_event(BRAM.number), history(AMINA.number, 4), b"no", cloud_event(nth(90)))):
        (folder / f"{place}.json").write_bytes(data)
    done = take_files(own_town, system(own_town, "system-changes"), [folder])
    assert (done.read, done.marked, done.strangers, done.refused) == (3, 2, 1, {"not-json": 1})


def test_whoever_is_marked_is_read_anew_and_compared(own_town: House) -> None:
    send(own_town, "c1", patient(BRAM))
    link_and_find(own_town)
    signalled(own_town, history(BRAM.number, 5))
    as_of = own_town.stores.index.sources()
    upstream = Upstream(pds_patient(BRAM.number, birthDate="1962-11-12"))
    done = read_again(own_town, upstream)
    assert (done.read, done.waiting, done.stopped) == (1, 0, "")
    link_and_find(own_town)
    assert standing(own_town) == {("c1", "birth_date", "substantive"): "open"}
    assert as_of[0].as_of == AS_OF
    # the same version again is not read again, a later one is
    assert signalled(own_town, history(BRAM.number, 5), history(BRAM.number, 6)) == [(0, 1, 0), (1, 0, 0)]
    assert upstream.asked == [BRAM.number]


def test_a_few_people_read_today_do_not_make_the_index_younger(own_town: House) -> None:
    signalled(own_town, cloud_event(BRAM.number))
    read_again(own_town, Upstream(pds_patient(BRAM.number)))
    info = own_town.stores.index.describe()
    assert info is not None
    assert (info.source, info.as_of) == ("demo", AS_OF)
    first = {one.source: one.as_of for one in own_town.stores.index.sources()}
    signalled(own_town, cloud_event(AMINA.number))
    read_again(own_town, Upstream(pds_patient(AMINA.number)))
    assert {one.source: one.as_of for one in own_town.stores.index.sources()} == first


def test_after_a_merge_the_old_number_leads_to_the_new_one(own_town: House) -> None:
    send(own_town, "c1", patient(BRAM))
    link_and_find(own_town)
    new = nth(50)
    signalled(own_town, cloud_event(BRAM.number, "nhs-number-change-2"))
    body = pds_patient(new, identifier=[{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": new}])
    read_again(own_town, Upstream(**{BRAM.number: body}))
    link_and_find(own_town)
    assert standing(own_town) == {("c1", "nhs_number", "superseded"): "open"}


def test_when_pds_does_not_answer_they_wait_and_it_is_asked_again(own_town: House) -> None:
    signalled(own_town, cloud_event(BRAM.number), cloud_event(AMINA.number))
    upstream = Upstream()
    upstream.down = True
    done = read_again(own_town, upstream)
    assert (done.read, done.waiting, done.stopped) == (0, 2, "upstream")
    upstream.down = False
    done = read_again(own_town, upstream)
    assert (done.read, done.unknown, done.waiting, done.stopped) == (0, 2, 0, "")


def test_without_pds_the_next_index_of_a_later_day_answers(own_town: House, tmp_path: Path) -> None:
    day = AS_OF.replace(day=29)
    signalled(own_town, cloud_event(BRAM.number, at=f"{day}T13:00:00Z"))
    reload(own_town, tmp_path, day=29)
    assert read_again(own_town, None).waiting == 1
    reload(own_town, tmp_path, day=30)
    done = read_again(own_town, None)
    assert (done.covered, done.waiting) == (1, 0)


def test_a_body_that_breaks_a_rule_is_quarantined_and_not_asked_for_again(own_town: House) -> None:
    signalled(own_town, cloud_event(BRAM.number))
    bad = pds_patient(BRAM.number)
    bad["meta"] = {"versionId": "7"}
    done = read_again(own_town, Upstream(bad))
    assert (done.read, done.quarantined, done.waiting) == (1, 1, 0)
    assert find(own_town).compared == 0
