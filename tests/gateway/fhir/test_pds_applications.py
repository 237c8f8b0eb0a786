"""An application, with nobody at a desk, is told of one person only (PDS: application-restricted access)."""

from __future__ import annotations

import pytest

from gateway.auth.caller import Caller, Kind
from gateway.errors import NotPermitted
from gateway.fhir.pds import as_query
from gateway.fhir.query import read_search
from ig.purpose import OrgClass, Purpose, Role

SYSTEM = Caller("app", "App", "999", OrgClass.COUNCIL, Role.SYSTEM, Purpose.DEMOGRAPHIC_TRACE, Kind.SYSTEM)
ENOUGH = {"family": ["Smith"], "birthdate": ["eq2010-10-22"]}


@pytest.mark.parametrize("sent", [{}, {"_max-results": ["1"]}])
def test_one_is_the_most_and_the_default(sent: dict[str, list[str]]) -> None:
    assert as_query(read_search(ENOUGH | sent), SYSTEM).max_results == 1


def test_more_than_one_is_refused_as_pds_refuses_it() -> None:
    with pytest.raises(NotPermitted, match="more than one result") as refused:
        as_query(read_search(ENOUGH | {"_max-results": ["2"]}), SYSTEM)
    assert refused.value.reason == "INVALID_VALUE"
