"""A wrong link is recalled from everybody who received it, and from nobody else; and nobody learns of the other."""

from __future__ import annotations

import csv
import json
import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from fixtures.rates import AS_OF
from gateway.errors import Conflict, NotFound, NotPermitted
from gateway.jobs.worker import run_pending
from gateway.services.governance import callers
from gateway.services.governance.audit import who_looked
from gateway.services.outbound import deliver, subscribers
from gateway.services.outbound.deliver import deliver_due
from gateway.services.progress import silent
from gateway.services.recall import incidents, receivers, retractions
from gateway.services.recall.receivers import find_receivers
from gateway.services.records.everything import everything
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.link import link_all
from gateway.services.records.unlink import unlink_record
from gateway.services.releases.build import build_release
from gateway.services.tracing.batch import trace_csv
from gateway.services.tracing.find import find_number
from gateway.services.tracing.verify import verify_number
from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.outbox import Outgoing, Topic
from gateway.storage.recalls import NoticeKind
from gateway.storage.records import source_person_id
from gateway.transports.webhooks import send
from ig.decide import Described
from ig.optouts import NATIONAL, NOT_OPTED_OUT, TYPE1
from ig.purpose import Dataset, Element, Level, Purpose
from linkage.decide import Outcome, Verdict
from tests.gateway.houses import (
    AMINA,
    BRAM,
    DIED,
    OUTSIDER,
    PEOPLE,
    STRANGER,
    Townsperson,
    Watch,
    event,
    index_csv,
    nth,
    persona,
    system,
    take_in,
)
from tests.gateway.receiver import listening

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gateway.gate import Passage
    from gateway.house import House
    from gateway.services.recall.incidents import Recall

RECORD: Final = source_person_id("social-care", "999", "c1")


def linked(house: House, folder: Path) -> None:
    """Join the council's client c1 to Amina, which will turn out to be wrong; c2 is Bram and stays so."""
    take_in(house, folder / "c.csv", [event("c1", AMINA, number=AMINA.number), event("c2", BRAM, number=BRAM.number)])


def unlinked(house: House) -> Recall:
    """Take the link back, and return the recall as an IG officer sees it."""
    done = unlink_record(house, persona(house, "reviewer"), RECORD, "somebody else")
    return incidents.recall(house, persona(house, "ig-officer"), done.incident_id)


def asking(house: House, name: str, job: str = "") -> AbstractContextManager[Passage]:
    """Stand inside the gate, as one of the demonstration's people or with a file of theirs."""
    return house.gate.permit(
        persona(house, name),
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Described(),
        job=job,
    )


class Deeds:
    """What people do all day, each with the decisions of it that named Amina to somebody."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder, self.count = house, folder, 0

    def verify(self, who: Townsperson) -> bool:
        """Check her number."""
        found = verify_number(self.house, persona(self.house, "social-worker"), who.number, who.asked())
        assert found.verdict is Verdict.CONFIRMED
        return who is AMINA

    def find(self, who: Townsperson) -> bool:
        """Ask for a number by her details."""
        found = find_number(self.house, persona(self.house, "gp", Purpose.DEMOGRAPHIC_TRACE), who.asked())
        assert found.outcome is Outcome.MATCHED
        return who is AMINA

    def read(self, who: Townsperson) -> bool:
        """Read the joined record."""
        with suppress(NotFound):  # before the link nothing is joined to her, which is an answer too
            everything(self.house, persona(self.house, "social-worker", Purpose.DIRECT_CARE), who.id)
        return who is AMINA

    def file(self, who: Townsperson) -> bool:
        """Trace a file of two people."""
        self.count += 1
        path = self.folder / f"in-{self.count}.csv"
        asked = [f"{n},{one.family},{one.given},{one.birth_date},{one.postcode}" for n, one in enumerate((who, DIED))]
        path.write_text("\n".join(("row_id,family,given,birth_date,postcode", *asked, "")), encoding="utf-8")
        trace_csv(self.house, persona(self.house, "data-team"), path, self.folder / f"out-{self.count}.csv")
        return who is AMINA

    def refused(self, who: Townsperson) -> bool:
        """Ask without any grant."""
        with pytest.raises(NotPermitted):
            everything(self.house, OUTSIDER, who.id)
        return False

    def audited(self, who: Townsperson) -> bool:
        """Ask who looked."""
        who_looked(self.house, persona(self.house, "ig-officer"), number=who.number)
        return False

    def linking(self, _who: Townsperson) -> bool:
        """Run the linking again."""
        link_all(self.house, system(self.house, "system-link"))
        return False

    def some(self, chance: random.Random, how_many: int) -> set[str]:
        """Do some of it, and return the decisions that named Amina."""
        found = set()
        for _ in range(how_many):
            seen = Watch(self.house)
            deed = chance.choice(
                (self.verify, self.find, self.read, self.file, self.refused, self.audited, self.linking)
            )
            if deed(chance.choice((AMINA, AMINA, BRAM))):
                (row,) = seen.rows("disclosure", "batch")
                found.add(row.body["decision_id"])
        return found


@pytest.mark.parametrize("seed", range(2))
def test_every_disclosure_in_the_window_that_named_the_wrong_person_and_no_other(
    own_town: House, tmp_path: Path, seed: int
) -> None:
    deeds, chance = Deeds(own_town, tmp_path), random.Random(seed)
    take_in(own_town, tmp_path / "b.csv", [event("c2", BRAM, number=BRAM.number)])
    before = deeds.some(chance, 8)
    linked(own_town, tmp_path)
    within = deeds.some(chance, 16)
    found = unlinked(own_town)
    after = deeds.some(chance, 8)
    assert before
    assert within
    assert after
    assert {one.disclosure for one in found.receipts} == within
    find_receivers(own_town)
    again = incidents.recall(own_town, persona(own_town, "ig-officer"), found.incident_id)
    assert again == found, "what came after, and looking again, adds nothing"


def test_users_files_webhooks_and_releases_are_each_found_as_what_they_are(own_town: House, tmp_path: Path) -> None:
    subscribers.add_webhook(
        own_town, persona(own_town, "ig-officer"), "https://hook.example/", "data-team", [Topic.RECORD_CHANGED]
    )
    linked(own_town, tmp_path)
    deeds = Deeds(own_town, tmp_path)
    deeds.verify(AMINA)
    deeds.file(AMINA)
    changed = Outgoing(Topic.RECORD_CHANGED, "diff-1", b"{}", "999", source_person_id=RECORD)
    other = replace(changed, source_person_id=source_person_id("social-care", "999", "c2"))
    nobody = [StoredFact(opt_out(kind), BRAM.id, NOT_OPTED_OUT, "x", own_town.now()) for kind in (TYPE1, NATIONAL)]
    with own_town.stores.transaction() as tx:
        own_town.stores.outbox.put(tx, [changed, other])
        own_town.stores.governance.facts.put_many(tx, nobody)
    made = build_release(own_town, system(own_town, "system-release", Purpose.ANALYTICS), "ISA-ANALYTICS", "2026-08")
    found = unlinked(own_town)
    told = {(one.kind, one.recipient, one.organisation) for one in found.receipts}
    hook = own_town.stores.outbox.subscribers()[0].webhook_id
    assert told == {
        (NoticeKind.USER, "social-worker", "999"),
        (NoticeKind.FILE, "data-team", "999"),
        (NoticeKind.RELEASE, "system-release", "QZZ"),
        (NoticeKind.WEBHOOK, hook, "999"),
    }
    assert {one.job for one in found.receipts if one.kind is NoticeKind.RELEASE} == {made.release_id}


def test_work_under_way_when_the_link_came_or_went_is_in_it(own_town: House, tmp_path: Path) -> None:
    """A file takes hours: its row says when it was begun and is written when it ends."""
    with asking(own_town, "data-team", "a-long-file") as early:
        linked(own_town, tmp_path)
        early.disclose([AMINA.id], rows=1)
    with asking(own_town, "data-team", "a-long-file") as late:
        found = unlinked(own_town)
        late.disclose([AMINA.id], rows=1)
    assert {one.disclosure for one in found.receipts} == {early.decision_id}
    with asking(own_town, "data-team", "a-long-file") as after:
        after.disclose([AMINA.id], rows=1)
    assert find_receivers(own_town).noted == 1
    found = incidents.recall(own_town, persona(own_town, "ig-officer"), found.incident_id)
    assert {one.disclosure for one in found.receipts} == {early.decision_id, late.decision_id}


def test_what_was_received_under_an_earlier_number_is_recalled_with_the_rest(own_town: House, tmp_path: Path) -> None:
    new = replace(AMINA, number=nth(40))
    linked(own_town, tmp_path)
    deeds = Deeds(own_town, tmp_path)
    first = Watch(own_town)
    deeds.verify(AMINA)
    (one,) = first.rows("disclosure")
    people = [*(p for p in PEOPLE if p is not AMINA), replace(AMINA, superseded_by=new.number), new]
    source = IndexSource(index_csv(tmp_path / "index.csv", people), "demo", AS_OF.replace(day=29))
    load_index(own_town, system(own_town, "system-index"), source)
    deeds.linking(AMINA)
    second = Watch(own_town)
    verify_number(own_town, persona(own_town, "social-worker"), new.number, new.asked())
    (other,) = second.rows("disclosure")
    found = unlinked(own_town)
    assert {each.disclosure for each in found.receipts} == {one.body["decision_id"], other.body["decision_id"]}


def test_records_without_a_number_taken_for_one_person_are_recalled_too(own_town: House, tmp_path: Path) -> None:
    record = take_apart(own_town, tmp_path)
    found = incidents.recalls(own_town, persona(own_town, "ig-officer"))
    assert [one.record for one in found] == [record]
    assert [one.recipient for one in found[0].receipts] == ["social-worker"]


def take_apart(house: House, folder: Path) -> str:
    """Two records of somebody whom the index does not know, seen as one person and taken apart again."""
    take_in(house, folder / "s.csv", [event("c8", STRANGER), event("c9", STRANGER)])
    record = source_person_id("social-care", "999", "c8")
    with house.stores.transaction() as tx:
        ((person,),) = set(tx.raw("SELECT person_id FROM live_link WHERE source_person_id = ?", (record,)))
    with asking(house, "social-worker") as passage:
        passage.disclose([person])
    unlink_record(house, persona(house, "reviewer"), record, "two people")
    return record


# --- telling them -------------------------------------------------------------------------------------------------


def work(house: House) -> None:
    """What a worker does."""
    run_pending(house, silent)
    deliver_due(house, send)


def test_a_subscriber_hears_a_retraction_and_its_taking_it_is_an_acknowledgement(
    own_town: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "pause", lambda _attempts: timedelta(0))
    officer = persona(own_town, "ig-officer")
    with listening() as received:
        made = subscribers.add_webhook(own_town, officer, received.url, "data-team", [Topic.LINK_RETRACTED])
        linked(own_town, tmp_path)
        Deeds(own_town, tmp_path).file(AMINA)
        Deeds(own_town, tmp_path).verify(AMINA)
        found = unlinked(own_town)
        received.answers = lambda: 503
        work(own_town)
        assert incidents.recall(own_town, officer, found.incident_id).open == 2
        received.answers = lambda: 200
        work(own_town)
        work(own_town)
        (call,) = received.taken
    assert call.is_signed(made.secret)
    by_kind = {one.kind: one for one in incidents.recall(own_town, officer, found.incident_id).receipts}
    mine, theirs = by_kind[NoticeKind.FILE], by_kind[NoticeKind.USER]
    assert call.told["data"] == {
        "incident": found.incident_id,
        "notice": mine.notice_id,
        "code": "link-retracted",
        "disclosure": mine.disclosure,
        "record": RECORD,
    }
    assert mine.acknowledged_by == "webhook:data-team"
    assert theirs.acknowledged_at is None


def test_a_subscriber_of_another_organisation_is_not_told_which_record_it_was(own_town: House, tmp_path: Path) -> None:
    subscribers.add_webhook(
        own_town, persona(own_town, "ig-officer"), "https://h.example/", "gp", [Topic.LINK_RETRACTED]
    )
    linked(own_town, tmp_path)
    Deeds(own_town, tmp_path).find(AMINA)
    unlinked(own_town)
    (due,) = own_town.stores.outbox.claim()
    assert set(json.loads(due.body)) == {"incident", "notice", "code", "disclosure"}


# --- what officers see --------------------------------------------------------------------------------------------


@pytest.fixture
def recalled(own_town: House, tmp_path: Path) -> tuple[House, Recall]:
    """A recall with a receipt of the council's and one of a practice's."""
    linked(own_town, tmp_path)
    deeds = Deeds(own_town, tmp_path)
    deeds.verify(AMINA)
    deeds.find(AMINA)
    return own_town, unlinked(own_town)


def test_reading_a_recall_is_a_row_about_that_person(recalled: tuple[House, Recall]) -> None:
    house, found = recalled
    for read in (
        lambda: incidents.recall(house, persona(house, "ig-officer"), found.incident_id),
        lambda: incidents.recalls(house, persona(house, "ig-officer")),
    ):
        seen = Watch(house)
        read()
        (row,) = seen.rows()
        assert (row.kind, row.body["purpose"], row.body["datasets"]) == ("disclosure", "ig-audit", ["ledger"])
        assert row.body["subjects"]["tokens"] == [house.stores.keys.subject_token(AMINA.id)]


def test_a_privacy_officer_sees_and_acknowledges_their_own_staffs_alone(recalled: tuple[House, Recall]) -> None:
    house, found = recalled
    privacy = persona(house, "privacy-officer")
    mine = incidents.recall(house, privacy, found.incident_id)
    assert {one.organisation for one in found.receipts} == {"999", "Z99001"}
    assert [one.organisation for one in mine.receipts] == ["999"]
    (theirs,) = [one.notice_id for one in found.receipts if one.organisation != "999"]
    with pytest.raises(NotFound):
        incidents.acknowledge(house, privacy, found.incident_id, [theirs])
    assert incidents.acknowledge(house, privacy, found.incident_id) == 1
    assert incidents.recall(house, persona(house, "ig-officer"), found.incident_id).open == 1


def test_a_privacy_officer_whose_staff_received_nothing_hears_of_nothing(own_town: House, tmp_path: Path) -> None:
    linked(own_town, tmp_path)
    Deeds(own_town, tmp_path).find(AMINA)
    found = unlinked(own_town)
    assert incidents.recalls(own_town, persona(own_town, "privacy-officer")) == []
    with pytest.raises(NotFound):
        incidents.recall(own_town, persona(own_town, "privacy-officer"), found.incident_id)


def test_acknowledging_is_recorded_and_done_once(recalled: tuple[House, Recall]) -> None:
    house, found = recalled
    officer, seen = persona(house, "ig-officer"), Watch(house)
    one = found.receipts[0].notice_id
    assert incidents.acknowledge(house, officer, found.incident_id, [one]) == 1
    (row,) = seen.rows("administration")
    assert (row.body["action"], row.body["target"]) == ("recall:acknowledge", found.incident_id)
    with pytest.raises(Conflict):
        incidents.acknowledge(house, officer, found.incident_id, [one])
    assert incidents.acknowledge(house, officer, found.incident_id) == 1
    with pytest.raises(Conflict):
        incidents.acknowledge(house, officer, found.incident_id)
    with pytest.raises(NotFound):
        incidents.recall(house, officer, "5f5f2c7e-33b0-5d8c-9d4a-6d6f0d5b1e90")


def test_what_nobody_acknowledged_in_time_is_overdue(recalled: tuple[House, Recall]) -> None:
    house, found = recalled
    incidents.acknowledge(house, persona(house, "ig-officer"), found.incident_id, [found.receipts[0].notice_id])
    with house.stores.transaction() as tx:
        tx.change("UPDATE recall_notice SET sent_at = ?", ("2026-01-01 00:00:00.000000",))
    late = incidents.recall(house, persona(house, "ig-officer"), found.incident_id)
    assert (late.open, late.overdue) == (1, 1)
    assert list(retractions.summed([late])) == [
        "user, acknowledged: 1",
        "user, overdue: 1",
        "1 recall, 1 receipt open",
    ]


def test_the_file_of_retractions_says_which_answers_and_nothing_of_anybody(
    recalled: tuple[House, Recall], tmp_path: Path
) -> None:
    _, found = recalled
    path = tmp_path / "retractions.csv"
    assert retractions.write_retractions([found], path) == 2
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert {row["disclosure"] for row in rows} == {one.disclosure for one in found.receipts}
    assert {row["code"] for row in rows} == {"link-retracted"}
    text = path.read_text()
    for secret in (AMINA.number, AMINA.id, AMINA.family, AMINA.postcode, BRAM.id):
        assert secret not in text
        assert secret not in repr(found)


def test_an_unlinking_goes_through_when_nobody_can_be_told_and_the_worker_tells_them_later(
    own_town: House, tmp_path: Path
) -> None:
    linked(own_town, tmp_path)
    Deeds(own_town, tmp_path).verify(AMINA)
    known = own_town.stores.governance.callers.get("system-outbound")
    assert known is not None
    callers.revoke(own_town, "system-outbound")
    done = unlink_record(own_town, persona(own_town, "reviewer"), RECORD, "test")
    assert done.receipts is None
    waiting = incidents.recall(own_town, persona(own_town, "ig-officer"), done.incident_id)
    assert (waiting.listed, waiting.receipts) == (False, ())
    with pytest.raises(NotPermitted):
        run_pending(own_town, silent)
    with own_town.stores.transaction() as tx:
        own_town.stores.governance.callers.put(tx, known)
    run_pending(own_town, silent)
    assert len(incidents.recall(own_town, persona(own_town, "ig-officer"), done.incident_id).receipts) == 1


def test_looking_again_after_a_day_costs_nothing(
    recalled: tuple[House, Recall], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, found = recalled
    incidents.acknowledge(house, persona(house, "ig-officer"), found.incident_id)
    monkeypatch.setattr(receivers, "SETTLING", timedelta(0))
    seen = Watch(house)
    find_receivers(house)
    assert seen.rows() == []
