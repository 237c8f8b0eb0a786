"""An application, with nobody at a desk, is told of one person only (PDS: application-restricted access)."""

from __future__ import annotations

import pytest

from gateway.auth.caller import Caller, Kind
from gateway.errors import NotPermitted
from gateway.fhir.pds import as_query, check_one_at_most
from gateway.fhir.query import read_search
from ig.purpose import OrgClass, Purpose, Role

SYSTEM = Caller("app", "App", "999", OrgClass.COUNCIL, Role.SYSTEM, Purpose.DEMOGRAPHIC_TRACE, Kind.SYSTEM)
ENOUGH = {"family": ["Smith"], "birthdate": ["eq2010-10-22"]}


@pytest.mark.parametrize("sent", [{}, {"_max-results": ["1"]}])
def test_one_is_the_most_and_the_default(sent: dict[str, list[str]]) -> None:
    check_one_at_most(sent, SYSTEM)
    assert as_query(read_search(ENOUGH | sent), SYSTEM).max_results == 1


@pytest.mark.parametrize("most", ["2", "50", "0", "many", ""])
def test_anything_but_one_is_refused_as_pds_refuses_it_before_the_rest_is_looked_at(most: str) -> None:
    with pytest.raises(NotPermitted, match="more than one result") as refused:
        check_one_at_most({"_max-results": [most], "year": ["2010"]}, SYSTEM)
    assert refused.value.reason == "INVALID_VALUE"
