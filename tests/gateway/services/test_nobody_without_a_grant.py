"""Every use case, asked by somebody whom no agreement names: refused, one refusal row each, and nothing done."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

import gateway.services
from adapters.spine.tracing import Charset
from adapters.systems import NHS_NUMBER
from fixtures.rates import AS_OF
from gateway.errors import NotPermitted
from gateway.services.changes import export, feed, reread, signals, work
from gateway.services.changes.find import find_differences
from gateway.services.exchange import fetch, mailboxes, send
from gateway.services.governance import agreements, audit, signing
from gateway.services.outbound import subscribers
from gateway.services.quality import models, sample, shadow, train
from gateway.services.recall import incidents
from gateway.services.records import (
    duplicates,
    everything,
    index,
    ingest,
    link,
    quarantine,
    reviews,
    sides,
    truth,
    unlink,
)
from gateway.services.releases import build
from gateway.services.reports import numbers, traced_file, unmatched
from gateway.services.reports.answers import TracedFile
from gateway.services.tracing import (
    batch,
    crossref,
    explain,
    find,
    history,
    match,
    onward_ask,
    onward_changes,
    onward_export,
    onward_import,
    patients,
    people,
    upstream,
    verify,
)
from gateway.services.tracing.formats import Format
from gateway.services.tracing.likeness import PatientQuery
from gateway.services.tracing.onward_select import Selection, Wanted
from gateway.storage.models import shipped_model
from gateway.storage.samples import Verdict
from tests.gateway.houses import (
    AMINA,
    BRAM,
    OUTSIDER,
    Watch,
    event,
    extract_csv,
    index_csv,
    persona,
    system,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.auth.caller import Caller
    from gateway.house import House

    Ask = Callable[[House, Caller, Path], object]


def _held(house: House, _caller: Caller, folder: Path) -> None:
    """Put one bad row into the quarantine, so that there is something to replay."""
    path = extract_csv(folder / "bad.csv", [event("c1", BRAM, {"Event Type": "Wondering"})])
    ingest.ingest_files(house, system(house, "system-ingest"), "social-care", [path])


SIGNAL: Final = b'{"type":"pds-record-change-2","subject":"%s","time":"2026-06-01T13:00:00Z"}' % BRAM.number.encode()


def _signal(path: Path) -> Path:
    path.write_bytes(SIGNAL)
    return path


def _confirmed(house: House) -> verify.VerifyResult:
    return verify.verify_number(house, persona(house, "social-worker"), AMINA.number, AMINA.asked())


class _NoPds:
    age = 0.0

    def patient(self, _number: object) -> None:
        pytest.fail("PDS was asked")

    def search(self, _query: object) -> NoReturn:
        pytest.fail("PDS was asked")


ASKED: Final[dict[Callable[..., object], Ask]] = {
    verify.verify_number: lambda h, c, _: verify.verify_number(h, c, AMINA.number, AMINA.asked()),
    find.find_number: lambda h, c, _: find.find_number(h, c, AMINA.asked()),
    explain.explain_source_person: lambda h, c, _: explain.explain_source_person(h, c, "any"),
    patients.read_patient: lambda h, c, _: patients.read_patient(h, c, AMINA.number),
    patients.related_people: lambda h, c, _: patients.related_people(h, c, AMINA.number),
    patients.search_patients: lambda h, c, _: patients.search_patients(
        h, c, PatientQuery(family="Patelova", birthdate=("1941-03-15",))
    ),
    patients.refuse_change: lambda h, c, _: patients.refuse_change(h, c, AMINA.number, verb="update"),
    people.read_person: lambda h, c, _: people.read_person(h, c, AMINA.id),
    people.search_people: lambda h, c, _: people.search_people(
        h, c, people.Sought((PatientQuery(family="Patelova", birthdate=("1941-03-15",)),))
    ),
    match.match_patient: lambda h, c, _: match.match_patient(h, c, AMINA.asked()),
    crossref.cross_reference: lambda h, c, _: crossref.cross_reference(
        h, c, crossref.Source(NHS_NUMBER, AMINA.number, "http://localhost/fhir/R4")
    ),
    history.link_history: lambda h, c, _: history.link_history(h, c, AMINA.id),
    batch.trace_csv: lambda h, c, folder: batch.trace_csv(h, c, index_csv(folder / "in.csv"), folder / "out.csv"),
    batch.trace_file: lambda h, c, folder: batch.trace_file(
        h, c, batch.CsvExchange(index_csv(folder / "in.csv"), batch.RESPONSE_COLUMNS), folder / "out.csv"
    ),
    onward_ask.ask_pds: lambda h, c, _: onward_ask.ask_pds(h, c, _NoPds()),
    onward_changes.write_changes: lambda h, c, folder: onward_changes.write_changes(
        h, c, "social-care", folder / "out.csv"
    ),
    onward_export.export_requests: lambda h, c, folder: onward_export.export_requests(
        h, c, Wanted(Selection.UNRESOLVED), onward_export.Written(Format.PDS_MESH), folder / "out.csv"
    ),
    onward_import.import_answers: lambda h, c, folder: onward_import.import_answers(
        h, c, Format.PDS_MESH, folder / "in.csv", Charset.UTF_8
    ),
    upstream.confirm_with_pds: lambda h, c, _: upstream.confirm_with_pds(h, c, _confirmed(h), AMINA.asked(), _NoPds()),
    everything.everything: lambda h, c, _: everything.everything(h, c, AMINA.id),
    index.load_index: lambda h, c, folder: index.load_index(
        h, c, index.IndexSource(index_csv(folder / "index.csv"), "demo", AS_OF)
    ),
    ingest.ingest_files: lambda h, c, folder: ingest.ingest_files(
        h, c, "social-care", [extract_csv(folder / "in.csv", [event("c1", AMINA)])]
    ),
    link.link_all: lambda h, c, _: link.link_all(h, c),
    quarantine.replay: lambda h, c, _: quarantine.replay(h, c),
    reviews.open_cases: lambda h, c, _: reviews.open_cases(h, c),
    reviews.case: lambda h, c, _: reviews.case(h, c, "any"),
    reviews.decide_case: lambda h, c, _: reviews.decide_case(h, c, "any", ""),
    reviews.take_back: lambda h, c, _: reviews.take_back(h, c, "any", "test"),
    sides.side_by_side: lambda h, c, _: sides.side_by_side(h, c, "any"),
    shadow.try_model: lambda h, c, _: shadow.try_model(h, c, shipped_model()),
    sample.draw: lambda h, c, _: sample.draw(h, c, 10),
    sample.next_pair: lambda h, c, _: sample.next_pair(h, c),
    sample.answer: lambda h, c, _: sample.answer(h, c, "any", Verdict.SAME),
    train.train_on_house: lambda h, c, _: train.train_on_house(h, c, train.Plan(shipped_model(), "trained")),
    sample.results: lambda h, c, _: sample.results(h, c),
    duplicates.duplicates: lambda h, c, _: duplicates.duplicates(h, c),
    truth.compare: lambda h, c, _: truth.compare(h, c, []),
    unmatched.unmatched: lambda h, c, _: unmatched.unmatched(h, c),
    traced_file.unmatched_in_file: lambda h, c, folder: traced_file.unmatched_in_file(
        h, c, TracedFile(folder / "in.csv", folder / "out.csv")
    ),
    numbers.numbers: lambda h, c, _: numbers.numbers(h, c),
    export.export_updates: lambda h, c, folder: export.export_updates(h, c, folder / "out.csv"),
    feed.changes_since: lambda h, c, _: feed.changes_since(h, c),
    find_differences: lambda h, c, _: find_differences(h, c),
    reread.reread: lambda h, c, _: reread.reread(h, c, c, _NoPds()),
    signals.take_signal: lambda h, c, _: signals.take_signal(h, c, SIGNAL),
    signals.take_files: lambda h, c, folder: signals.take_files(h, c, [_signal(folder / "signal.json")]),
    work.decide: lambda h, c, _: work.decide(h, c, "any", accept=True, note=""),
    work.gate: lambda h, c, _: work.gate(h, c).__enter__(),
    work.show: lambda h, c, _: work.show(h, c, "any"),
    work.work_list: lambda h, c, _: work.work_list(h, c),
    unlink.unlink_record: lambda h, c, _: unlink.unlink_record(h, c, "any", "test"),
    build.build_release: lambda h, c, _: build.build_release(h, c, "ISA-ANALYTICS", "2026-09"),
    audit.who_looked: lambda h, c, _: audit.who_looked(h, c),
    audit.subject_access: lambda h, c, _: list(audit.subject_access(h, c, AMINA.number)),
    audit.report: lambda h, c, _: list(audit.report(h, c)),
    incidents.recalls: lambda h, c, _: incidents.recalls(h, c),
    incidents.recall: lambda h, c, _: incidents.recall(h, c, "any"),
    incidents.acknowledge: lambda h, c, _: incidents.acknowledge(h, c, "any"),
}
STEWARDSHIP: Final = frozenset(
    {
        agreements.activate,
        agreements.suspend,
        fetch.fetch,
        mailboxes.act_on_files,
        mailboxes.allow,
        mailboxes.deny,
        mailboxes.settle,
        models.activate_model,
        send.send_file,
        signing.sign,
        subscribers.add_webhook,
        subscribers.remove_webhook,
        subscribers.rotate_secret,
        subscribers.retire_secret,
        subscribers.try_webhook,
    }
)
"""Acts on agreements, models, webhooks and the mailbox are a matter of role, not of a grant; tested with them."""


def use_cases() -> set[Callable[..., object]]:
    """Return every public function of the services that is told who asks."""
    found: set[Callable[..., object]] = set()
    root = Path(gateway.services.__file__).parent
    for path in sorted(root.rglob("*.py")):
        module = "gateway.services." + ".".join(path.relative_to(root).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments = [argument.arg for argument in node.args.args]
                if arguments[:2] == ["house", "caller"]:
                    found.add(getattr(__import__(module, fromlist=[node.name]), node.name))
    return found


def test_the_table_below_has_every_use_case() -> None:
    assert {inspect.unwrap(one) for one in use_cases()} == set(ASKED) | STEWARDSHIP


@pytest.mark.parametrize("name", sorted(one.__name__ for one in ASKED))
def test_whoever_is_granted_nothing_is_refused_with_exactly_one_row(own_town: House, tmp_path: Path, name: str) -> None:
    ask = next(asks for one, asks in ASKED.items() if one.__name__ == name)
    if name == "replay":
        _held(own_town, OUTSIDER, tmp_path)
    before = own_town.stores.digest()
    seen = Watch(own_town)
    with pytest.raises(NotPermitted) as refused:
        ask(own_town, OUTSIDER, tmp_path)
    rows = [row for row in seen.rows() if row.body["actor"]["subject"] == OUTSIDER.subject]
    assert [row.kind for row in rows] == ["refusal"]
    assert rows[0].body["decision_id"] == refused.value.decision
    assert own_town.stores.digest() == before
    assert not (tmp_path / "out.csv").exists()
