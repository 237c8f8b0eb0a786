"""Two houses for the tests of what goes on and comes back: a council's, and one standing in for the national service.

The council's index lacks everybody of ``AWAY``; the national index has them. Some of the council's clients carry a
number that the national index knows more about than the council's does.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from adapters.spine import pds_mesh
from adapters.spine.trace_lines import Style
from adapters.spine.trace_responses import ResponseHeader, write_responses
from adapters.spine.tracing import Charset, Code, Indicator, Request, Response
from fixtures.rates import AS_OF
from gateway.services.records.index import IndexSource, load_index
from gateway.services.tracing.batch import trace_file
from gateway.services.tracing.formats import Format, opened
from gateway.services.tracing.onward_export import ExportReport, Written, export_requests
from gateway.services.tracing.onward_import import ImportReport, import_answers
from gateway.services.tracing.onward_select import Selection, Wanted
from gateway.storage.records import source_person_id
from ig.decide import Population
from ig.purpose import Dataset, Element, Level
from tests.gateway.houses import (
    AMINA,
    BRAM,
    FORMER,
    PEOPLE,
    STRANGER,
    Townsperson,
    event,
    index_csv,
    nth,
    persona,
    system,
    take_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gateway.house import House
    from gateway.storage.links import Link
    from gateway.storage.onward import Check, Question
    from gateway.storage.permit import Permit

RENAMED: Final = Townsperson(nth(20), "Farquharson", "Iona", "1957-04-18", "LE10 1AB")
REPLACED: Final = replace(RENAMED, number=nth(21), superseded_by=RENAMED.number)
SECRET: Final = Townsperson(nth(22), "Abernathy", "Morwenna", "1983-10-30", "LE11 2CD", sensitivity="R")
HERE: Final = Townsperson(nth(23), "Szymanska", "Halina", "1948-02-27", "LE12 3EF")
WITHDRAWN: Final = Townsperson(nth(24), "Tregenza", "Jago", "1966-12-01", "LE13 4GH", "male", sensitivity="I")
AWAY: Final = (STRANGER, RENAMED, REPLACED, SECRET, HERE, WITHDRAWN)
NOBODY: Final = Townsperson(nth(25), "Zzyzzfeld", "Quillon", "1931-01-31", "LE14 5JK", "male")

CLIENTS: Final = {
    "stranger": (STRANGER, ""),
    "renamed": (RENAMED, REPLACED.number),
    "secret": (SECRET, SECRET.number),
    "here": (HERE, HERE.number),
    "withdrawn": (WITHDRAWN, WITHDRAWN.number),
    "nobody": (NOBODY, ""),
    "former": (FORMER, FORMER.number),
    "amina": (AMINA, AMINA.number),
    "bram": (BRAM, ""),
}
"""The council's clients by local id: who they are, and the number they came with."""
EXPORTED: Final = ("stranger", "renamed", "secret", "here", "withdrawn", "nobody")
UNRESOLVED: Final = Wanted(Selection.UNRESOLVED)
MESH: Final = Written(Format.PDS_MESH)


def client(ref: str) -> str:
    """Return the id of one of the council's clients."""
    return source_person_id("social-care", "999", ref)


def settle_in(house: House, folder: Path) -> None:
    """Give a town's house the council's clients."""
    take_in(house, folder / "clients.csv", [event(ref, who, number=own) for ref, (who, own) in CLIENTS.items()])


def become_national(house: House, folder: Path) -> None:
    """Give a town's house the index of the national service."""
    source = IndexSource(index_csv(folder / "national.csv", (*PEOPLE, *AWAY)), "pds", AS_OF)
    assert not load_index(house, system(house, "system-index"), source).quarantined


def answered(national: House, layout: Format, request: Path) -> Path:
    """Return the response file of the national service to a request file."""
    response = request.with_name(f"RESP_{request.name}")
    trace_file(national, persona(national, "data-team"), opened(layout, request), response)
    return response


def export(house: House, target: Path, wanted: Wanted = UNRESOLVED, written: Written = MESH) -> ExportReport:
    """Write request files as the council's data team."""
    return export_requests(house, persona(house, "data-team"), wanted, written, target)


def bring_home(house: House, response: Path, layout: Format = Format.PDS_MESH) -> ImportReport:
    """Apply a response file."""
    return import_answers(house, system(house, "system-link"), layout, response, Charset.UTF_8)


@contextmanager
def permitted(house: House) -> Iterator[Permit]:
    """Lend a permit to look at what became of records."""
    with house.gate.permit(
        system(house, "system-link"),
        level=Level.PATIENT,
        datasets={Dataset.INDEX},
        fields={Element.NHS_NUMBER},
        subject=Population(),
        job="test",
    ) as passage:
        yield passage.permit


@dataclass(frozen=True)
class Stand:
    """How the council's clients stand, by local id."""

    links: dict[str, Link]
    checks: dict[str, Check]
    asked: dict[str, Question]


def stand(house: House) -> Stand:
    """Return how the clients stand."""
    names = {client(ref): ref for ref in CLIENTS}
    with permitted(house) as permit:
        links = house.stores.links.standing(permit, list(names))
        checks = house.stores.onward.checks(permit, list(names))
        asked = house.stores.onward.last_asked(permit, list(names))
    return Stand(
        {names[name]: link for name, link in links.items()},
        {names[name]: one for name, one in checks.items()},
        {names[name]: one for name, one in asked.items()},
    )


def said(
    question: Question,
    code: Code,
    matched: str = "",
    step: Indicator = Indicator.NONE,
    *,
    echo: str | None = None,
    **other: str,
) -> Response:
    """Return a row of a response to one question; ``echo`` is the number sent back, the one sent unless told."""
    request = Request(question.reference, question.nhs_number if echo is None else echo, **other)
    return Response(request, code, matched, step)


def response_file(
    path: Path, rows: Sequence[Response], *, code: Code = Code.SUCCESS, records: int | None = None
) -> Path:
    """Write a PDS MESH response of these rows, whose header says ``records``."""
    header = ResponseHeader("MPTREQ_20261001093000", len(rows) if records is None else records, code)
    path.write_bytes(b"".join(write_responses(header, rows, pds_mesh.RESPONSE, Style(end="\n"))))
    return path
