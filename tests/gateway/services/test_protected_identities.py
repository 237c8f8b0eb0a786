"""Nothing leads from a protected person's former identity to today's, or to where a restricted person lives.

The worst case is built first: the index itself told the pair (an earlier name and postcode, a superseded number), the
records under the former identity were joined to the person of today and reviewed, and only then did the seal arrive;
somebody was restricted only after their address had been weighed. Then every command, every route and every page is
asked, each named here: a new one fails the test until somebody says what it shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import duckdb
import pytest
from click import Context, Group
from click.testing import CliRunner

from adapters.systems import NHS_NUMBER
from fixtures.rates import AS_OF
from gateway.app import create_app
from gateway.auth.tokens import issue_token
from gateway.cli import main
from gateway.fhir.outcome import FHIR_BASE, PDS_BASE
from gateway.services.governance.facts import load_facts
from gateway.services.records.index import IndexSource, load_index
from gateway.services.records.protected import sealed_people
from gateway.services.records.reviews import open_cases
from gateway.storage.factkinds import opt_out
from gateway.storage.facts import StoredFact
from gateway.storage.permit import mint
from gateway.storage.records import source_person_id
from ig.optouts import OPTED_OUT, TYPE1
from ig.purpose import Purpose
from linkage.keys import probe_keys
from linkage.normalise import normalise
from tests.gateway.houses import (
    BRAM,
    FORMER,
    HIDDEN,
    PEOPLE,
    TODAY,
    Townsperson,
    copied,
    event,
    facts_csv,
    index_csv,
    persona,
    system,
    take_in,
)
from tests.gateway.services.changes.surfaces import told_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click import Command
    from flask.testing import FlaskClient

    from gateway.house import House
    from gateway.settings import Settings
    from gateway.storage import Permit

NOW: Final = replace(TODAY, phone="01160000077", previous_family=FORMER.family, previous_postcode=FORMER.postcode)
THEN: Final = replace(FORMER, sensitivity="U", superseded_by=TODAY.number)
BEFORE: Final = replace(HIDDEN, sensitivity="U", address_line1="14 Quiet Row")
PAST: Final = (FORMER.number, FORMER.id, FORMER.family, FORMER.given, "LE8 5FF", "LE85FF")
PRESENT: Final = (TODAY.number, TODAY.id, TODAY.family, "LE9 4EE", "LE94EE", "01160000077")
PLACE: Final = ("LE5 0ZZ", "LE50ZZ", "Quiet Row", "01160000011")
# a client of the council who is known by details alone, and by too few of them for the model to decide
DOUBTFUL: Final = replace(BEFORE, given="E", postcode="LE5 0ZZ")


def client_id(ref: str) -> str:
    return source_person_id("social-care", "999", ref)


@dataclass
class Asked:
    """The house with the doors open, and where files go."""

    house: House
    folder: Path
    web: FlaskClient

    def run(self, *words: str | Path, out: str = "") -> str:
        """Everything a command tells: what it prints, what it complains of and the file it writes."""
        given = ["--data-dir", str(self.house.settings.data_dir), *map(str, words)]
        done = CliRunner().invoke(main, given, env={"COLUMNS": "300"}, catch_exceptions=False)
        return done.stdout + done.stderr + ((self.folder / out).read_text(encoding="utf-8") if out else "")

    def get(self, path: str, who: str = "gp", purpose: Purpose = Purpose.DIRECT_CARE) -> str:
        """The body and the headers of an answer over HTTP."""
        token = issue_token(self.house, persona(self.house, who, purpose))
        headers = {"Authorization": f"Bearer {token}", "X-Request-ID": "5d1c1f0a-8d0e-4f0b-9a52-3a0d9f6f0001"}
        answer = self.web.get(path, headers=headers)
        return f"{answer.status}\n{answer.headers}\n{answer.text}"

    def post(self, path: str, body: dict[str, object], who: str = "social-worker") -> str:
        """The body of an answer to a resource posted."""
        token = issue_token(self.house, persona(self.house, who, Purpose.DEMOGRAPHIC_TRACE))
        return self.web.post(path, json=body, headers={"Authorization": f"Bearer {token}"}).text

    def request(self, name: str, *people: tuple[Townsperson, str]) -> Path:
        """A file to be traced, with a row for each of ``people`` under a number or none."""
        rows = ["row_id,nhs_number,family,given,birth_date,gender,postcode,phone"]
        for place, (who, number) in enumerate(people):
            told = (f"r{place}", number, who.family, who.given, who.birth_date, who.gender, who.postcode, who.phone)
            rows.append(",".join(told))
        path = self.folder / name
        path.write_text("\n".join((*rows, "")), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def asked(town_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """The worst case, after the next run of linking."""
    folder = tmp_path_factory.mktemp("protected")
    with copied(town_settings, folder / "var") as house:
        load_facts(house, "never-link", facts_csv(folder / "nobody.csv"))
        nobody = f"national-opt-out,{BRAM.number},opted-out,x,2026-01-01,"
        load_facts(house, "national-opt-out", facts_csv(folder / "optouts.csv", nobody))
        others = [one for one in PEOPLE if one.number not in {TODAY.number, FORMER.number, HIDDEN.number}]
        _load(house, folder, [*others, NOW, THEN, BEFORE])
        rows = [
            event("former", FORMER, number=FORMER.number),
            event("mixed", NOW, number=FORMER.number),
            event("today", NOW, number=TODAY.number),
            event("nameless", FORMER),
            event("place", BEFORE),
            event("doubt", DOUBTFUL),
        ]
        take_in(house, folder / "clients.csv", rows)
        live = house.stores.links.standing(_reader(), [client_id(ref) for ref in ("former", "mixed", "nameless")])
        assert {link.person_id for link in live.values()} == {TODAY.id}, "the worst case is not bad enough"
        one = Asked(house, folder, create_app(house=house).test_client())
        one.run("evaluate", "--sample", "50")
        assert "duplicate-number: 2" in one.run("changes", "find")
        load_facts(
            house,
            "never-link",
            facts_csv(folder / "sealed.csv", f"never-link,{TODAY.number},{FORMER.number},x,2026-01-01,"),
        )
        _load(house, folder, [*others, NOW, THEN, replace(BEFORE, sensitivity="R")])
        take_in(house, folder / "more.csv", [event("bram", BRAM, number=BRAM.number)])
        with house.stores.transaction() as tx:
            dissent = StoredFact(opt_out(TYPE1), BRAM.id, OPTED_OUT, "x", house.now())
            house.stores.governance.facts.put_many(tx, [dissent])
        yield one


def _load(house: House, folder: Path, people: list[Townsperson]) -> None:
    load_index(
        house, system(house, "system-index"), IndexSource(index_csv(folder / "index.csv", people), "demo", AS_OF)
    )


def _reader() -> Permit:
    return mint(decision_id="t", caller="t", organisation="999", purpose="t", agreement="T", providers=["999"])


HOUSE: Final = ("--engine", "python")
BULK: Final = ("--engine", "duckdb")
MPS: Final = ("--algorithm", "mps")


class Surface(NamedTuple):
    """Somewhere that somebody could look: ``tell`` asks it, ``hidden`` must not be in what it tells."""

    where: str
    tell: Callable[[Asked], str]
    hidden: tuple[str, ...]


def _verify(who: Townsperson, number: str) -> tuple[str, ...]:
    return ("verify", number, "--family", who.family, "--given", who.given, "--birthdate", who.birth_date)


def _trace(name: str, *people: tuple[Townsperson, str], by: tuple[str, str] = HOUSE) -> Callable[[Asked], str]:
    def tell(asked: Asked) -> str:
        source = asked.request(f"{name}.csv", *people)
        return asked.run("trace", source, "--out", asked.folder / f"{name}-out.csv", *by, out=f"{name}-out.csv")

    return tell


def _export(*words: str) -> Callable[[Asked], str]:
    def tell(asked: Asked) -> str:
        target = f"requests-{len(list(asked.folder.iterdir()))}.csv"
        path = asked.folder / target
        told = asked.run("trace", "export", *words, "--again", "--out", path)
        return told + (path.read_text(encoding="utf-8") if path.exists() else "")

    return tell


def _changes(of: str) -> Callable[[Asked], str]:
    """What a case system is told of the records under a number."""

    def tell(asked: Asked) -> str:
        path = asked.folder / "numbers.csv"
        told = asked.run("trace", "changes", "--source", "social-care", "--out", path)
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        return told + "\n".join(line for line in written.splitlines() if of in line)

    return tell


def _release(asked: Asked) -> str:
    told = asked.run("release", "build", "--agreement", "ISA-ANALYTICS", "--period", "2026-09")
    written = sorted(asked.house.settings.releases_dir.rglob("*.parquet"))
    assert written, told
    with duckdb.connect() as engine:
        rows = [engine.execute(f"SELECT * FROM '{path}'").fetchall() for path in written]
    return told + repr(rows) + asked.run("release", "list")


def _reviews(asked: Asked) -> str:
    cases = open_cases(asked.house, persona(asked.house, "reviewer"))
    return "\n".join(asked.run("review", "show", case.case_id) for case in cases) or "no cases"


def _review_pages(asked: Asked) -> str:
    """The list of doubts and each doubt's page, as the reviewer sees them."""
    _sign_in(asked.web, "reviewer")
    cases = open_cases(asked.house, persona(asked.house, "reviewer"))
    paths = ["/review", *(f"/review/{case.case_id}" for case in cases)]
    shown = [asked.web.get(path) for path in paths]
    assert all(page.status_code == HTTPStatus.OK for page in shown)
    return "".join(page.text for page in shown)


SEALED: Final = ("replaced", "kept apart", "sealed", "never")
"""What would tell that a record under a former number has to do with somebody of today."""


def _report(name: str) -> Callable[[Asked], str]:
    def tell(asked: Asked) -> str:
        folder = asked.folder / f"report-{name}"
        return asked.run("report", name, "--out", folder) + _files(folder)

    return tell


def _report_on_file(asked: Asked) -> str:
    source = asked.request("report.csv", (FORMER, FORMER.number), (FORMER, ""), (NOW, FORMER.number), (BEFORE, ""))
    answers, folder = asked.folder / "report-answers.csv", asked.folder / "report-file"
    asked.run("trace", source, "--out", answers)
    return asked.run("report", "unmatched", "--file", answers, "--request", source, "--out", folder) + _files(folder)


def _files(folder: Path) -> str:
    written = sorted(folder.iterdir())
    assert written
    return "\n".join(path.read_text(encoding="utf-8") for path in written)


def _quality_pages(asked: Asked) -> str:
    """Both pages of reports, as the data team sees them."""
    _sign_in(asked.web, "data-team")
    shown = [asked.web.get(f"/quality/{name}") for name in ("unmatched", "numbers")]
    assert all(page.status_code == HTTPStatus.OK for page in shown)
    return "".join(page.text for page in shown)


def _sample(asked: Asked) -> str:
    """Every pair that a blind sample shows a reviewer: one drawn before the seal, and one of today."""
    told = _judged(asked)
    assert told, "pairs drawn before the seal"
    return "\n".join([*told, asked.run("evaluate", "--sample", "50"), *_judged(asked)])


def _judged(asked: Asked) -> list[str]:
    told = []
    while (shown := json.loads(asked.run("review", "sample", "show", "--json")))["pair"]:
        told += [json.dumps(shown), asked.run("review", "sample", "answer", shown["pair"], "same")]
    return told


def _sign_in(web: FlaskClient, name: str) -> None:
    web.post("/sign-in", data={**_hidden_field(web, "/sign-in"), "persona": name, "purpose": "demographic-trace"})


def _page(form: dict[str, str]) -> Callable[[Asked], str]:
    def tell(asked: Asked) -> str:
        web = asked.web
        _sign_in(web, "social-worker")
        return web.post("/verify", data={**_hidden_field(web, "/verify"), **form}).text.split("</form>")[-1]

    return tell


def _hidden_field(web: FlaskClient, page: str) -> dict[str, str]:
    return {"csrf_token": web.get(page).text.split('name="csrf_token" value="')[1].split('"')[0]}


def _pds(query: str) -> Callable[[Asked], str]:
    return lambda asked: asked.get(f"{PDS_BASE}/Patient{query}", "social-worker", Purpose.DEMOGRAPHIC_TRACE)


def _fhir(
    path: str, who: str = "social-worker", purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE
) -> Callable[[Asked], str]:
    return lambda asked: asked.get(f"{FHIR_BASE}/{path}", who, purpose)


def _match(who: Townsperson, number: str = "") -> Callable[[Asked], str]:
    described: dict[str, object] = {
        "resourceType": "Patient",
        "name": [{"family": who.family, "given": [who.given]}],
        "birthDate": who.birth_date,
        "address": [{"postalCode": who.postcode}],
    }
    if number:
        described["identifier"] = [{"system": NHS_NUMBER, "value": number}]
    return lambda asked: asked.post(f"{FHIR_BASE}/Patient/$match", described)


def _pix(system: str, value: str) -> Callable[[Asked], str]:
    return _fhir(f"Patient/$ihe-pix?sourceIdentifier={system}|{value}")


CLIENTS: Final = "https://gateway.example/Id/social-care/999"
RECORDS: Final = tuple(f'"{ref}"' for ref in ("former", "mixed", "nameless"))
LINKAGE: Final = "Linkage?_revinclude=Provenance:target&item=Patient/"
BORN: Final = "birthdate=eq1990-05-05"
SURFACES: Final = (
    Surface("verify", lambda a: a.run(*_verify(FORMER, FORMER.number)), PRESENT),
    Surface("verify", lambda a: a.run(*_verify(TODAY, FORMER.number)), PRESENT[:2]),
    Surface("verify", lambda a: a.run(*_verify(FORMER, TODAY.number)), (*PAST[:2], TODAY.id, TODAY.family)),
    Surface("trace", _trace("t1", (FORMER, FORMER.number), (FORMER, ""), (NOW, FORMER.number)), PRESENT),
    Surface("trace", _trace("b1", (FORMER, FORMER.number), (FORMER, ""), (NOW, FORMER.number), by=BULK), PRESENT),
    Surface("trace", _trace("b2", (NOW, TODAY.number), (NOW, ""), by=BULK), PAST),
    Surface("trace", _trace("t2", (NOW, TODAY.number), (NOW, "")), PAST),
    Surface("trace", _trace("t3", (FORMER, FORMER.number), (NOW, FORMER.number), by=MPS), PRESENT),
    Surface("trace changes", _changes(FORMER.number), PRESENT),
    Surface("trace changes", _changes(TODAY.number), PAST),
    Surface("trace export", _export("--unresolved", "--format", "pds-mesh"), (*PAST, *PRESENT, *PLACE)),
    Surface("trace export", _export("--changed", "--format", "dbs"), (*PAST, *PRESENT, *PLACE)),
    Surface(
        "trace export", _export("--unverified-since", "2026-01-01", "--format", "pds-mesh"), (*PAST, *PRESENT, *PLACE)
    ),
    Surface("explain", lambda a: a.run("explain", client_id("former")), PRESENT),
    Surface("explain", lambda a: a.run("explain", client_id("mixed")), PRESENT),
    Surface("explain", lambda a: a.run("explain", client_id("nameless")), PRESENT),
    Surface("explain", lambda a: a.run("explain", client_id("today")), PAST),
    Surface(
        "explain",
        lambda a: a.run("explain", client_id("former"), "--against", TODAY.number),
        ("replaced", "sealed", "never", *PRESENT[2:]),
    ),
    Surface("review list", lambda a: a.run("review", "list"), (*PAST, *PRESENT)),
    Surface("review show", _reviews, (*PAST, *PRESENT)),
    Surface("GET /review", _review_pages, (*PAST, *PRESENT)),
    Surface("GET /review", _review_pages, (*PLACE, "same postcode", "same district", "elephone: the same")),
    Surface("review sample show", _sample, (*PAST, *PLACE)),
    Surface("review duplicates", lambda a: a.run("review", "duplicates"), ("today",)),
    Surface("changes list", told_twice, (*PAST, *PRESENT, *PLACE)),
    Surface("report unmatched", _report("unmatched"), (*SEALED, *PAST, *PRESENT, *PLACE)),
    Surface("report unmatched", _report_on_file, (*SEALED, *PRESENT, *PLACE)),
    Surface("report numbers", _report("numbers"), (*SEALED, *PAST, *PRESENT, *PLACE)),
    Surface("GET /quality", _quality_pages, (*SEALED, *PAST, *PRESENT, *PLACE)),
    Surface("release build", _release, (*PAST, *PRESENT)),
    Surface(
        "audit search",
        lambda a: a.run("--as", "ig-officer", "--purpose", "ig-audit", "audit", "search", "--nhs-number", TODAY.number),
        PAST,
    ),
    Surface(
        "audit subject-access",
        lambda a: a.run("--as", "ig-officer", "--purpose", "subject-access", "audit", "subject-access", TODAY.number),
        PAST,
    ),
    Surface(
        "audit report",
        lambda a: a.run("--as", "ig-officer", "--purpose", "ig-audit", "audit", "report"),
        (*PAST, *PRESENT),
    ),
    Surface("GET $everything", lambda a: a.get(f"{FHIR_BASE}/Patient/{TODAY.id}/$everything"), PAST),
    Surface("GET $everything", lambda a: a.get(f"{FHIR_BASE}/Patient/{FORMER.id}/$everything"), PRESENT),
    Surface("GET pds/Patient/<number>", _pds(f"/{TODAY.number}"), PAST),
    Surface("GET pds/Patient/<number>", _pds(f"/{FORMER.number}"), (*PRESENT, *PAST[1:])),
    Surface("GET pds/Patient", _pds(f"?family={FORMER.family}&{BORN}&_history=true"), (*PRESENT, *PAST[1:])),
    Surface("GET pds/Patient", _pds(f"?family={FORMER.family}&{BORN}&_fuzzy-match=true"), (*PRESENT, *PAST[1:])),
    Surface("GET pds/Patient", _pds(f"?family={TODAY.family}&{BORN}&_history=true"), PAST),
    Surface(
        "GET pds/Patient",
        _pds(f"?family={TODAY.family}&{BORN}&address-postalcode=LE85FF&_history=true"),
        (*PRESENT[:2], *PAST),
    ),
    Surface("POST $match", _match(FORMER, FORMER.number), (*PRESENT, *PAST)),
    Surface("POST $match", _match(FORMER), (*PRESENT, *PAST)),
    Surface("POST $match", _match(NOW, FORMER.number), (*PRESENT, *PAST)),
    Surface("POST $match", _match(NOW), PAST),
    Surface("POST $match", _match(HIDDEN), PLACE),
    # the self link says again what was asked, so the name that was asked for is in it
    Surface("GET fhir/Patient", _fhir(f"Patient?family={FORMER.family}&{BORN}"), (*PRESENT, *PAST[:2], *PAST[3:])),
    Surface("GET fhir/Patient", _fhir(f"Patient?identifier={FORMER.number}"), (*PRESENT, *PAST[1:])),
    Surface("GET fhir/Patient", _fhir(f"Patient?family={TODAY.family}&{BORN}"), PAST),
    Surface(
        "GET fhir/Patient",
        _fhir(f"Patient?family={HIDDEN.family}&birthdate={HIDDEN.birth_date}&address=14"),
        (HIDDEN.number, HIDDEN.id, *PLACE),
    ),
    Surface("GET fhir/Patient/<person_id>", _fhir(f"Patient/{FORMER.id}"), (*PRESENT, *PAST)),
    Surface("GET fhir/Patient/<person_id>", _fhir(f"Patient/{TODAY.id}"), PAST),
    Surface("GET fhir/Patient/<person_id>", _fhir(f"Patient/{HIDDEN.id}"), PLACE),
    Surface("GET $ihe-pix", _pix(NHS_NUMBER, FORMER.number), (*PRESENT, *PAST, CLIENTS)),
    Surface("GET $ihe-pix", _pix(CLIENTS, "former"), (*PRESENT, *PAST)),
    Surface("GET $ihe-pix", _pix(CLIENTS, "mixed"), (*PRESENT, *PAST)),
    Surface("GET $ihe-pix", _pix(NHS_NUMBER, TODAY.number), (*PAST, *RECORDS)),
    Surface("GET Linkage", _fhir(f"{LINKAGE}{TODAY.id}", "reviewer"), (*PAST, *RECORDS)),
    Surface("GET Linkage", _fhir(f"Linkage/{TODAY.id}", "reviewer"), (*PAST, *RECORDS)),
    Surface("GET Linkage", _fhir(f"{LINKAGE}{FORMER.id}", "reviewer"), (*PRESENT, *RECORDS)),
    Surface(
        "GET Linkage",
        _fhir(f"{LINKAGE}{HIDDEN.id}", "reviewer"),
        (*PLACE, "same postcode", "same district", "elephone: the same"),
    ),
    Surface(
        "POST /verify",
        _page(
            {
                "nhs_number": FORMER.number,
                "family": TODAY.family,
                "given": TODAY.given,
                "birth_day": "5",
                "birth_month": "5",
                "birth_year": "1990",
            }
        ),
        PRESENT[:2],
    ),
    # where a restricted person lives
    Surface("verify", lambda a: a.run(*_verify(HIDDEN, HIDDEN.number), "--postcode", "LE5 0ZZ"), (*PLACE, ", address")),
    Surface(
        "trace",
        _trace("p1", (replace(HIDDEN, family="Zed", given="Qu", birth_date="1961-01-01"), "")),
        (HIDDEN.number,),
    ),
    Surface("trace", _trace("p2", (HIDDEN, "")), (*PLACE, "address")),
    Surface("trace", _trace("p3", (HIDDEN, ""), by=MPS), PLACE),
    Surface(
        "trace",
        _trace("b3", (replace(HIDDEN, family="Zed", given="Qu", birth_date="1961-01-01"), ""), by=BULK),
        (HIDDEN.number,),
    ),
    Surface("trace", _trace("b4", (HIDDEN, ""), by=BULK), (*PLACE, "address")),
    Surface(
        "explain",
        lambda a: a.run("explain", client_id("place")),
        (*PLACE, "same postcode", "same district", "elephone: the same"),
    ),
    Surface(
        "explain",
        lambda a: a.run("explain", client_id("doubt"), "--against", HIDDEN.number),
        (*PLACE, "same postcode", "same district", "elephone: the same"),
    ),
    Surface("review show", _reviews, (*PLACE, "same postcode", "same district", "elephone: the same")),
    Surface("GET $everything", lambda a: a.get(f"{FHIR_BASE}/Patient/{HIDDEN.id}/$everything"), PLACE),
    Surface("GET pds/Patient/<number>", _pds(f"/{HIDDEN.number}"), PLACE),
    Surface("GET pds/Patient", _pds(f"?family={HIDDEN.family}&birthdate=eq{HIDDEN.birth_date}"), PLACE),
    Surface(
        "GET pds/Patient",
        _pds(f"?family={HIDDEN.family}&birthdate=eq{HIDDEN.birth_date}&address-postalcode=LE50ZZ"),
        (HIDDEN.number,),
    ),
    Surface("release build", _release, PLACE),
)

SHOWS_NOBODY: Final = {
    "audit checkpoint": "signs tree heads",
    "audit verify": "counts rows",
    "caller": "staff and systems",
    "changes decide": "says that it is done",
    "changes find": "counts",
    "changes reread": "counts",
    "changes show": "asked with changes list, as the file and the feed are",
    "changes export": "asked with changes list",
    "changes signal": "takes in, and counts",
    "db": "whole databases and their digest",
    "demo": "makes a county, and asks the commands above",
    "doctor": "this box",
    "evaluate": "figures; examples and samples are drawn without sealed people",
    "facts load": "takes in, and counts",
    "index load": "takes in, and counts",
    "ingest": "takes in, and counts",
    "isa": "agreements",
    "keys": "secrets",
    "link": "counts",
    "mesh": "a poll answers by the use case of trace, asked there; the rest is ids and counts",
    "model": "models",
    "org load": "takes in, and counts",
    "quarantine list": "file, row, field and rule, never what a row says",
    "quarantine replay": "counts",
    "recall": "who received a wrong link, under opaque ids",
    "release list": "asked with release build",
    "release verify": "digests of files",
    "review decide": "says that it is done",
    "review sample answer": "says that it is done",
    "review take-back": "says that it is done",
    "serve": "the routes below",
    "token": "a demonstration's token",
    "trace ask": "counts; whom it sends is chosen as for trace export",
    "trace file": "asked as trace: the word may be left out",
    "trace import": "counts",
    "train": "weights",
    "unlink": "says that it is done",
    "validate": "a file of the caller's own",
    "webhook": "subscribers, and codes of how their messages stand",
    "worker": "counts",
    "GET static": "style sheets",
    "/changes": "asked as changes list and show: the same use cases",
    "/audit": "asked as audit search: the same use case",
    "/agreements": "agreements",
    "/recalls": "who received a wrong link, under opaque ids",
    "/sign-in": "staff",
    "/sign-out": "staff",
    "/oauth2": "systems",
    "/health": "this box",
    "/signals": "takes in, and says whether anybody is read anew",
    "/metrics": "figures",
    "/metadata": "what this server can do",
    "/openapi": "what this server can do",
    "/.well-known": "keys",
}
"""What is not asked above, and why nobody is in it."""


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.where)
def test_nothing_on_this_surface_leads_to_them(asked: Asked, surface: Surface) -> None:
    told = surface.tell(asked)
    assert told.strip()
    assert "Traceback" not in told
    assert [mark for mark in surface.hidden if mark.casefold() in told.casefold()] == []


def commands(of: Command, name: str = "") -> Iterator[str]:
    """Every command by its words."""
    if not isinstance(of, Group):
        yield name
        return
    with Context(of) as context:
        for each in of.list_commands(context):
            found = of.get_command(context, each)
            assert found is not None
            yield from commands(found, f"{name} {each}".strip())


def test_every_command_and_every_route_is_named_here(asked: Asked) -> None:
    named = {surface.where for surface in SURFACES}
    left = [one for one in commands(main) if one not in named and not one.startswith(tuple(SHOWS_NOBODY))]
    assert left == []
    aliases = {
        "$everything": "$everything",
        "personal-demographics/FHIR/R4/Patient": "pds/Patient",
        "fhir/R4/Patient/$match": "POST $match",
        "fhir/R4/Patient/$ihe-pix": "GET $ihe-pix",
        "fhir/R4/Patient/<person_id>": "fhir/Patient/<person_id>",
        "fhir/R4/Patient/_search": "GET fhir/Patient",
        "fhir/R4/Patient": "GET fhir/Patient",
        "fhir/R4/Linkage": "GET Linkage",
        "/verify": "/verify",
        "/review": "/review",
        "/quality": "/quality",
    }
    asked_paths = {known for known, ours in aliases.items() if any(ours in where for where in named)}
    shown = (*asked_paths, *(path for path in SHOWS_NOBODY if path.startswith("/")), "/static")
    rules = [str(rule) for rule in asked.web.application.url_map.iter_rules()]
    assert [rule for rule in rules if rule != "/" and not any(part in rule for part in shown)] == []


def test_the_person_of_today_is_still_found_by_who_they_are_today(asked: Asked) -> None:
    assert "confirmed" in asked.run(*_verify(TODAY, TODAY.number))
    live = asked.house.stores.links.standing(_reader(), [client_id("today")])
    assert live[client_id("today")].person_id == TODAY.id


def test_records_of_a_former_identity_are_nobody_of_today(asked: Asked) -> None:
    names = [client_id(ref) for ref in ("former", "mixed", "nameless")]
    live = asked.house.stores.links.standing(_reader(), names)
    assert len({link.person_id for link in live.values()} | {TODAY.id}) > 1
    assert TODAY.id not in {link.person_id for link in live.values()}
    assert all(TODAY.id in asked.house.stores.links.nevers(_reader(), names)[name] for name in names)


def test_no_key_leads_to_a_former_identity_or_by_an_earlier_name(asked: Asked) -> None:
    """By each key that the former names, number and address make, nobody is found at all."""
    keys = probe_keys(normalise(FORMER.asked(nhs_number=FORMER.number)))
    assert asked.house.stores.index.candidates(_reader(), keys) == ([], 0)
    place = probe_keys(normalise(replace(HIDDEN, birth_date="1888-01-01", family="Zed", given="Qu").asked()))
    assert asked.house.stores.index.candidates(_reader(), place) == ([], 0)


def test_samples_and_examples_can_leave_both_identities_out(asked: Asked) -> None:
    assert sealed_people(asked.house) == {TODAY.id, FORMER.id}
