"""The pages *Agreements*: which there are, and who may see what under one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint

from gateway.auth.desk import current_caller
from gateway.errors import NotFound
from gateway.services.governance.agreements import listing
from gateway.web.grids import facts_of, grids_of, row_of
from gateway.web.render import house, page

if TYPE_CHECKING:
    from gateway.services.governance.agreements import AgreementSummary
    from ig.terms import Agreement

agreements: Final = Blueprint("agreements", __name__)


@agreements.get("/agreements")
def listed() -> str:
    """Show every agreement and where it stands."""
    current_caller()
    rows = [row_of(summary, terms) for summary, terms in _register()]
    return page("agreements.jinja", "Agreements", rows=rows)


@agreements.get("/agreements/<agreement_id>/<version>")
def shown(agreement_id: str, version: str) -> str:
    """Show one agreement: its facts, and a table of roles and sections for each purpose."""
    current_caller()
    summary, terms = _find(agreement_id, version)
    return page(
        "agreement.jinja", summary.title, lapses=summary.lapses, facts=facts_of(summary, terms), grids=grids_of(terms)
    )


def _register() -> list[tuple[AgreementSummary, Agreement]]:
    terms = {each.key: each for each in house().register().agreements}
    return [(summary, terms[summary.id, summary.version]) for summary in listing(house())]


def _find(agreement_id: str, version: str) -> tuple[AgreementSummary, Agreement]:
    for summary, terms in _register():
        if (summary.id, str(summary.version)) == (agreement_id, version):
            return summary, terms
    raise NotFound("There is no such agreement.", reason="agreement")
