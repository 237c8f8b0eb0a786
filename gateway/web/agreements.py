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

agreements: Final = Blueprint("agreements", __name__)


@agreements.get("/agreements")
def listed() -> str:
    """Show every agreement and where it stands."""
    current_caller()
    return page("agreements.jinja", "Agreements", rows=[row_of(each) for each in listing(house())])


@agreements.get("/agreements/<agreement_id>/<version>")
def shown(agreement_id: str, version: str) -> str:
    """Show one agreement: its facts, and a table of roles and sections for each purpose."""
    current_caller()
    summary = _find(agreement_id, version)
    terms = next(each for each in house().register().agreements if each.hash == summary.hash)
    return page(
        "agreement.jinja", summary.title, lapses=summary.lapses, facts=facts_of(summary, terms), grids=grids_of(terms)
    )


def _find(agreement_id: str, version: str) -> AgreementSummary:
    for summary in listing(house()):
        if (summary.id, str(summary.version)) == (agreement_id, version):
            return summary
    raise NotFound("There is no such agreement.", reason="agreement")
