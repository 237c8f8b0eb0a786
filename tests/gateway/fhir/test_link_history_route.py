"""``Linkage`` with ``Provenance``: which records are a person, how they came to be, and who is told of which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.linkage import Linkage
from fhir.resources.R4B.provenance import Provenance

from gateway.fhir.history import EVIDENCE
from ig.purpose import Purpose
from tests.gateway.fhir.conftest import CLIENTS, issue, told
from tests.gateway.houses import AMINA, BRAM, DIED, GONE, HIDDEN, STRANGER, TWIN

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.gateway.fhir.conftest import Front
    from tests.gateway.houses import Townsperson, Watch

Resource = dict[str, Any]


def asked(who: Townsperson, *, reasons: bool = False) -> str:
    return f"Linkage?item=Patient/{who.id}" + ("&_revinclude=Provenance:target" if reasons else "")


def items(response: TestResponse) -> list[tuple[str, str]]:
    """(type, local number) of each record of the one Linkage, the person's own item left out."""
    bundle = told(response)
    assert response.status_code == 200, bundle
    Bundle.model_validate(bundle)
    linkages = [one["resource"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]
    assert len(linkages) == bundle["total"] <= 1
    if not linkages:
        return []
    Linkage.model_validate(linkages[0])
    person, *records = linkages[0]["item"]
    assert person == {"type": "source", "resource": {"reference": f"Patient/{linkages[0]['id']}"}}
    assert {one["resource"]["identifier"]["system"] for one in records} == {CLIENTS}
    return [(one["type"], one["resource"]["identifier"]["value"]) for one in records]


def reasons(response: TestResponse) -> list[Resource]:
    found = [one["resource"] for one in told(response)["entry"] if one["search"]["mode"] == "include"]
    for one in found:
        Provenance.model_validate(one)
    return found


def test_records_that_are_a_person_now_and_those_that_were_are_told_apart(front: Front) -> None:
    assert sorted(items(front.get(asked(AMINA), "reviewer"))) == [("alternate", "amina"), ("alternate", "twice")]
    assert items(front.get(asked(DIED), "reviewer")) == [("historical", "wrong")]


def test_somebody_without_records_has_no_linkage(front: Front) -> None:
    bundle = told(front.get(asked(TWIN), "reviewer"))
    assert (bundle["total"], "entry" in bundle) == (0, False)


def test_each_fact_says_who_or_what_joined_or_parted_them_when_and_on_what_ground(front: Front) -> None:
    facts = reasons(front.get(asked(DIED, reasons=True), "reviewer"))
    told_so = [
        (
            one["activity"]["text"],
            one["activity"]["coding"][0]["code"],
            one["reason"][0]["coding"][0]["code"],
            [agent["type"]["coding"][0]["code"] for agent in one["agent"]],
        )
        for one in facts
    ]
    assert told_so == [
        ("is", "link", "cross-check", ["performer", "assembler"]),
        ("withdrawn", "unlink", "unlinked", ["performer"]),
        ("never", "unlink", "person", ["performer"]),
    ]
    assert facts[1]["agent"][0]["who"]["display"] == "reviewer"
    assert [one["recorded"] for one in facts] == sorted(one["recorded"] for one in facts)
    assert all(one["target"] == [{"reference": f"Linkage/{DIED.id}"}] for one in facts)


def test_evidence_is_for_whoever_may_see_it(front: Front) -> None:
    (fact, *_) = reasons(front.get(asked(AMINA, reasons=True), "reviewer"))
    (compared,) = fact["extension"]
    assert compared["url"] == EVIDENCE
    assert {"weight", "family", "birth_date"} <= {part["url"] for part in compared["extension"]}
    assert AMINA.family not in str(compared)
    for fact in reasons(front.get(asked(AMINA, reasons=True), "social-worker")):
        assert "extension" not in fact


def test_of_a_restricted_person_no_evidence_says_where(front: Front) -> None:
    (fact,) = reasons(front.get(asked(HIDDEN, reasons=True), "reviewer"))
    levels = {part["url"]: part["extension"][0]["valueCode"] for part in fact["extension"][0]["extension"]}
    assert levels["address"] == "withheld"
    assert "weight" not in levels


def test_for_tracing_only_ones_own_records_are_told(front: Front) -> None:
    assert items(front.get(asked(AMINA), "ward")) == []
    assert len(items(front.get(asked(AMINA), "social-worker"))) == 2


def test_for_direct_care_there_must_be_a_relationship(front: Front) -> None:
    assert len(items(front.get(asked(AMINA), "social-worker", Purpose.DIRECT_CARE))) == 2
    refused = front.get(asked(TWIN), "social-worker", Purpose.DIRECT_CARE)
    assert (refused.status_code, issue(refused)["details"]["coding"][0]["code"]) == (403, "relationship-required")


@pytest.mark.parametrize("who", [GONE, STRANGER])
def test_whoever_is_withdrawn_or_unknown_has_no_history(front: Front, who: Townsperson) -> None:
    for path in (asked(who), f"Linkage/{who.id}"):
        response = front.get(path, "reviewer")
        assert (response.status_code, issue(response)["code"]) == (404, "not-found")


def test_a_linkage_is_read_by_the_persons_id_as_a_search_gives_it(front: Front) -> None:
    (entry,) = told(front.get(asked(AMINA), "reviewer"))["entry"]
    assert entry["fullUrl"] == f"http://localhost/fhir/R4/Linkage/{AMINA.id}"
    assert told(front.get(f"Linkage/{AMINA.id}", "reviewer")) == entry["resource"]
    assert front.get(f"Linkage/{'x' * 65}", "reviewer").status_code == 400


@pytest.mark.parametrize("item", [AMINA.id, f"Patient/{AMINA.id}", f"http://localhost/fhir/R4/Patient/{AMINA.id}"])
def test_a_person_may_be_named_in_each_way_of_a_reference(front: Front, item: str) -> None:
    assert len(items(front.get(f"Linkage?item={item}", "reviewer"))) == 2


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("", "item"),
        ("item=", "item"),
        ("item=Patient/a b", "item"),
        (f"item={AMINA.id}&_revinclude=Zanzibar:target", "_revinclude"),
        (f"item={AMINA.id}&item={BRAM.id}", "query"),
        (f"item={AMINA.id}&Zanzibar=1", "query"),
    ],
)
def test_a_search_that_is_none_is_refused_by_its_parameter_and_not_repeated(
    front: Front, query: str, where: str
) -> None:
    response = front.get(f"Linkage?{query}", "reviewer")
    assert (response.status_code, issue(response)["location"]) == (400, [f"http.{where}"])
    assert "Zanzibar" not in response.text


def test_the_look_is_in_the_ledger_with_the_person_and_how_many_facts(front: Front, seen: Watch) -> None:
    front.get(asked(AMINA), "reviewer")
    (row,) = [row.body for row in seen.rows() if row.kind == "disclosure"]
    assert (row["subjects"]["count"], row["result"]) == (1, "link-history")
