"""The demonstration: a synthetic county goes through every room, and a summary says what came of it.

The only importer of ``fixtures``. Nothing here is special-cased: the demo loads, ingests, links and releases through
the same use cases as anybody, as the named system callers of the framework.
"""

from __future__ import annotations

import csv
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from fixtures.agreements import demo_agreements
from fixtures.rates import AS_OF
from fixtures.write import write_demo
from gateway.auth.caller import Kind
from gateway.cli.progress import progress
from gateway.errors import InputError, Unavailable
from gateway.house import open_house
from gateway.services.changes.find import find_differences
from gateway.services.governance import agreements, callers
from gateway.services.governance.facts import load_facts, load_organisations
from gateway.services.governance.integrity import make_checkpoint, verify_ledger
from gateway.services.governance.personas import BOARD, COUNCIL, PERSONAS, TRUST
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.ingest import ingest_files
from gateway.services.records.link import link_all
from gateway.services.records.truth import EVERYBODY, compare, read_truth
from gateway.services.releases.build import build_release
from gateway.settings import Mode
from gateway.storage import upgrade
from gateway.storage.keyring import Keyring
from ig.purpose import OrgClass, Purpose, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.write import Manifest
    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.services.changes.find import FindReport
    from gateway.services.progress import Report
    from gateway.services.records.ingest import IngestReport
    from gateway.services.records.link import LinkReport
    from gateway.services.releases.build import BuiltRelease
    from gateway.settings import Settings
    from linkage.evaluate import Share

SAFE_HAVEN: Final = "0ZZ"
SYSTEMS: Final = (
    "system-index",
    "system-ingest",
    "system-link",
    "system-release",
    "system-outbound",
    "system-mesh",
    "system-changes",
)


@dataclass(slots=True)
class Run:
    """What the demonstration has done so far, for its summary."""

    seconds: dict[str, float] = field(default_factory=dict)
    ingests: dict[str, IngestReport] = field(default_factory=dict)
    links: LinkReport | None = None
    differences: FindReport | None = None
    release: BuiltRelease | None = None

    @contextmanager
    def step(self, name: str, out: Console) -> Iterator[Report]:
        """Time one step, say that it is being done, and show how far it has come."""
        begun = time.monotonic()
        out.print(f"{name} …", highlight=False)
        with progress(name.lower()) as report:
            yield report
        self.seconds[name] = time.monotonic() - begun


def run(settings: Settings, *, people: int, seed: int, out: Console | None = None) -> Settings:
    """Load the county, the three feeds and the demo agreements; link; release; print the summary.

    Returns the settings of the demonstration, to serve it with.

    May be run again: what is in already is left as it is, and an interrupted run goes on where it stopped.

    Raises:
        Conflict: this database is a production one.
        InputError: a PostgreSQL database holds a demonstration of another county.
        Unavailable: a store cannot be written, or the ledger has been altered.
    """
    out = out or Console(highlight=False, soft_wrap=True)
    county = f"county-{people}-{seed}"
    settings = settings.model_copy(update={"mode": Mode.DEMO, "organisation": COUNCIL})
    settings = _own_house(settings, county, out)
    upgrade(settings)
    Keyring(settings.keys_dir).init()
    done = Run()
    with done.step("Making a synthetic county", out):
        # the same arguments give the same bytes: a second run reads the same files again
        manifest = write_demo(settings.data_dir / county, people, seed)
    house = open_house(settings)
    try:
        _load(house, manifest, done, out)
        _summary(house, manifest, done, out)
    finally:
        house.close()
    return settings


def _own_house(settings: Settings, county: str, out: Console) -> Settings:
    """One county, one house: another county gives the same numbers and local ids to other people.

    Raises:
        InputError: a PostgreSQL database holds another county.
    """
    held = {folder.name for folder in settings.data_dir.glob("county-*-*")}
    if not held or county in held:
        return settings
    if settings.database_url:
        raise InputError(f"this database holds {min(held)}: use another", reason="another-county")
    apart = settings.data_dir / county.replace("county", "demo")
    out.print(f"This data folder holds {min(held)}; {county} gets its own: --data-dir {apart}", markup=False)
    return settings.model_copy(update={"data_dir": apart})


def _load(house: House, manifest: Manifest, done: Run, out: Console) -> None:
    with done.step("Registering callers, organisations, agreements and facts", out):
        _govern(house, manifest)
    with done.step("Loading the population index", out) as report:
        if house.stores.index.describe() is None:
            load_index(house, _system(house, "system-index"), IndexSource(manifest.index, "demo", AS_OF), report)
    feeds = {"social-care": manifest.social_care, "gp": manifest.gp, "acute": manifest.acute}
    for source, paths in feeds.items():
        with done.step(f"Reading {source}", out) as report:
            done.ingests[source] = ingest_files(house, _system(house, "system-ingest"), source, paths, report)
    with done.step("Finding NHS numbers and joining records", out) as report:
        done.links = link_all(house, _system(house, "system-link"), report)
    with done.step("Comparing records with the index", out) as report:
        done.differences = find_differences(house, _system(house, "system-changes"), report=report)
    with done.step("Releasing pseudonymised data", out) as report:
        caller = callers.named_caller(house, "system-release", Purpose.ANALYTICS)
        done.release = build_release(house, caller, "ISA-ANALYTICS", f"{AS_OF:%Y-%m}", report)
    with done.step("Proving the ledger and signing its head", out):
        proof = verify_ledger(house)
        if proof.damage is not None:
            raise Unavailable(f"the ledger is damaged: row {proof.damage.seq}", reason="ledger-damaged")
        make_checkpoint(house, house.settings.data_dir / "witness")


def _govern(house: House, manifest: Manifest) -> None:
    for persona in PERSONAS.values():
        callers.add(
            house,
            persona.subject,
            persona.name,
            persona.organisation,
            persona.org_class,
            persona.role,
            persona.purposes,
            persona=persona.subject,
        )
    for name in SYSTEMS:
        purposes = (Purpose.PROCESSING, Purpose.ANALYTICS)
        callers.add(house, name, name, SAFE_HAVEN, OrgClass.SAFE_HAVEN, Role.SYSTEM, purposes, kind=Kind.SYSTEM)
    load_organisations(house, manifest.organisations)
    practices = _practices(manifest.organisations)
    officer = callers.named_caller(house, "ig-officer", Purpose.IG_AUDIT)
    for text in demo_agreements(COUNCIL, practices, TRUST, BOARD, SAFE_HAVEN):
        agreements.activate(house, officer, text)
    for path in manifest.facts:
        _load_fact_file(house, path)


def _practices(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as opened:
        return [row["ods"] for row in csv.DictReader(opened) if row["org_class"] == OrgClass.GP_PRACTICE]


def _load_fact_file(house: House, path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as opened:
        first = next(csv.DictReader(opened), None)
    if first is not None:
        load_facts(house, first["kind"], path)


def _system(house: House, name: str) -> Caller:
    return callers.named_caller(house, name, Purpose.PROCESSING)


def _summary(house: House, manifest: Manifest, done: Run, out: Console) -> None:
    out.print()
    out.print(f"[bold]What the demonstration did[/bold]  (data in {house.settings.data_dir})")
    _print_rows(done, out)
    _print_outcomes(house, out)
    _print_numbers(house, out)
    _print_truth(house, manifest, out)
    _print_links(house, done, out)
    ledger = verify_ledger(house)
    out.print(f"Ledger: {ledger.rows:,} rows, {ledger.checkpoints} checkpoint(s), proved intact")
    if done.release is not None:
        files = ", ".join(f"{name} {rows:,} rows" for name, rows in done.release.files)
        left = ", ".join(f"{reason} {count:,}" for reason, count in done.release.left_out)
        out.print(f"Release {done.release.release_id}: {files}; left out: {left}")
    steps = ", ".join(f"{name.lower()} {seconds:.1f} s" for name, seconds in done.seconds.items())
    out.print(f"Took {sum(done.seconds.values()):.1f} s: {steps}")


def _print_rows(done: Run, out: Console) -> None:
    table = Table("Source", "Rows read", "New", "Unchanged", "Quarantined", title="Rows read", title_justify="left")
    for source, report in done.ingests.items():
        bad = sum(report.quarantined.values())
        table.add_row(source, f"{report.read:,}", f"{report.new:,}", f"{report.same:,}", f"{bad:,}")
    out.print(table)
    reasons = Counter[tuple[str, str, str]]()
    for source, report in done.ingests.items():
        reasons.update({(source, *key): count for key, count in report.quarantined.items()})
    for (source, name, rule), count in sorted(reasons.items()):
        out.print(f"  quarantined, {source}, {name or 'row'}, {rule}: {count:,}", markup=False)


def _print_outcomes(house: House, out: Console) -> None:
    outcomes = house.stores.traces.counts()
    names = sorted({name for counts in outcomes.values() for name in counts})
    table = Table("Source", *names, title="Records by trace outcome", title_justify="left")
    for source, counts in outcomes.items():
        table.add_row(source, *(f"{counts.get(name, 0):,}" for name in names))
    out.print(table)


def _print_numbers(house: House, out: Console) -> None:
    for row in house.stores.traces.numbers():
        if row.source == "social-care" and row.people:
            before, after = row.before / row.people, row.after / row.people
            out.print(
                f"Social care people with an NHS number: {before:.1%} before, {after:.1%} after ({row.people:,} people)"
            )


def _print_truth(house: House, manifest: Manifest, out: Console) -> None:
    for group, tally in compare(house, _system(house, "system-link"), read_truth(manifest.truth)).items():
        if group.axis != EVERYBODY:
            continue
        found, false, missed = tally.recall, tally.false_rate, tally.missed_rate
        out.print(
            f"Against planted truth, {group.source}: found {found.value:.2%} of {found.of:,} ({_interval(found)}), "
            f"false {false.count:,} of {false.of:,} joins, {false.value:.3%} ({_interval(false)}), "
            f"missed {missed.value:.2%} ({_interval(missed)}); {tally.rightly_none:,} rightly not found",
            markup=False,
        )


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"95 % {low:.3%} to {high:.3%}"


def _print_links(house: House, done: Run, out: Console) -> None:
    counts = ", ".join(f"{basis} {count:,}" for basis, count in house.stores.links.counts().items())
    out.print(f"Links standing, by ground: {counts}")
    if done.links is not None:
        out.print(
            f"Duplicates inside one source: {done.links.duplicates:,}; waiting for review: "
            f"{house.stores.reviews.counts().get('open', 0):,}"
        )
    if done.differences is not None:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(done.differences.begun.items()))
        out.print(f"Differences from the index: {kinds or 'none new'}; {done.differences.compared:,} records compared")
