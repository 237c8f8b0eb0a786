"""Signals of MNS and NEMS, in each of their shapes; what is none is refused by rule and never repeated."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.spine.signals import EVENTS, LARGEST, Signal, SignalRefused, read_signal
from linkage.nhs_number import NhsNumber

NUMBER: Final = "9990000018"
AT: Final = datetime(2020, 6, 1, 13, tzinfo=UTC)
SPECS: Final = Path(__file__).resolve().parents[2].parent / "shared" / "specs"
FIRST: Final[dict[str, Any]] = {
    "type": "pds-death-notification-1",
    "subject": {"nhsNumber": NUMBER, "familyName": "SECRETNAME"},
    "time": "2020-06-01T13:00:00.000Z",
    "data": {"versionId": 'W/"16"'},
}
EVENT: Final = {"specversion": "1.0", "type": "pds-record-change-2", "subject": NUMBER, "time": "2020-06-01T13:00:00Z"}


def fhir(**context: object) -> dict[str, Any]:
    parts = [
        {"name": "event-type", "valueString": "pds-change-of-gp-2"},
        {"name": "subject", "valueReference": {"identifier": {"value": NUMBER}}},
        *({"name": name.replace("_", "-"), "valueString": value} for name, value in context.items()),
    ]
    event = {"name": "notification-event", "part": [{"name": "timestamp", "valueInstant": "2020-06-01T13:00:00Z"}]}
    parameters = [event, {"name": "additional-context", "part": parts}]
    entry = {"resource": {"resourceType": "Parameters", "parameter": parameters}}
    return {"resourceType": "Bundle", "type": "history", "entry": [entry]}


def nems(
    *, number: str = NUMBER, of: str = NUMBER, version: str = "4", event: str = "pds-change-of-address-1"
) -> bytes:
    return f"""<Bundle xmlns="http://hl7.org/fhir"><entry><resource><MessageHeader>
      <extension url="https://fhir.nhs.uk/STU3/StructureDefinition/Extension-RoutingDemographics-1">
        <extension url="nhsNumber"><valueIdentifier><value value="{number}"/></valueIdentifier></extension>
      </extension>
      <event><code value="pds-change-of-address-1"/></event><timestamp value="2020-06-01T13:00:00+00:00"/>
    </MessageHeader></resource></entry><entry><resource><Patient><meta><versionId value="{version}"/></meta>
      <identifier><value value="{of}"/></identifier></Patient></resource></entry></Bundle>""".encode()


@pytest.mark.parametrize(
    ("sent", "event", "version"),
    [
        (json.dumps(EVENT).encode(), "pds-record-change-2", 0),
        (json.dumps(FIRST).encode(), "pds-death-notification-1", 16),
        (json.dumps(fhir()).encode(), "pds-change-of-gp-2", 0),
        (json.dumps(fhir(version_id='W/"4"')).encode(), "pds-change-of-gp-2", 4),
        (json.dumps(fhir(version_id="abc")).encode(), "pds-change-of-gp-2", 0),
        (b"\xef\xbb\xbf" + json.dumps(EVENT).encode()[:0] + nems(), "pds-change-of-address-1", 4),
        (nems(version="W/x"), "pds-change-of-address-1", 0),
        # routed by one number and about another: whose version it is cannot be told
        (nems(of="9990000026"), "pds-change-of-address-1", 0),
    ],
)
def test_each_shape_says_whose_record_changed(sent: bytes, event: str, version: int) -> None:
    assert read_signal(sent) == Signal(event, NhsNumber(NUMBER), version, AT)


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        (b"", "not-json"),
        (b'"text"', "shape"),
        (b"{}", "shape"),
        (json.dumps({**EVENT, "type": ["pds-record-change-2"]}).encode(), "event"),
        (json.dumps({**EVENT, "type": "pds-birth-notification-1"}).encode(), "event"),
        (json.dumps({**EVENT, "subject": "9990000019"}).encode(), "nhs-number"),
        (json.dumps({**EVENT, "subject": 9990000018}).encode(), "nhs-number"),
        (json.dumps({**EVENT, "time": "yesterday"}).encode(), "time"),
        (json.dumps({**EVENT, "time": "2020-06-01T13:00:00"}).encode(), "time"),
        (json.dumps({**EVENT, "time": None}).encode(), "time"),
        (json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": fhir()["entry"]}).encode(), "shape"),
        (json.dumps({"resourceType": "Bundle", "type": "history", "entry": [7, {"resource": {}}]}).encode(), "shape"),
        (json.dumps({**fhir(), "entry": [{"resource": {"resourceType": "Parameters"}}]}).encode(), "event"),
        (b"<Bundle>", "not-xml"),
        (b"<Bundle/>", "shape"),
        (nems(number="1"), "nhs-number"),
        (b'<!DOCTYPE Bundle SYSTEM "http://127.0.0.1/x"><Bundle/>', "document-type"),
        (b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><Bundle><id value="&d;"/></Bundle>', "document-type"),
        (b"<a>" * 50, "too-deep"),
        (b" " * (LARGEST + 1), "too-large"),
    ],
)
def test_what_is_no_signal_is_refused_by_rule_alone(sent: bytes, rule: str) -> None:
    with pytest.raises(SignalRefused) as refused:
        read_signal(sent)
    assert refused.value.rule == rule
    assert "SECRETNAME" not in str(refused.value)
    assert NUMBER not in str(refused.value)


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr).map(str.encode)
)
def test_nothing_else_comes_out_of_any_bytes(sent: bytes) -> None:
    with suppress(SignalRefused):
        read_signal(sent)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(sorted(EVENTS)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "subject", "data", "resourceType", "entry", "resource", "parameter", "name", "part"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_no_shape_of_json_is_taken_for_more_than_it_is(told: object) -> None:
    with suppress(SignalRefused):
        read_signal(json.dumps(told).encode())


@pytest.mark.specs
@pytest.mark.parametrize(
    ("folder", "pattern", "least"),
    [
        ("mns/signal-schemas/examples", "p*/signal.json", 3),
        ("mns/signal-schemas/examples", "nhs-number-change-2/signal.json", 1),
        ("mns/specification/schemas/cloudevents/examples", "*Signal.json", 7),
        ("nems/pages/messages/messages/examples", "PDS-*.xml", 7),
    ],
)
def test_every_published_signal_about_a_person_is_read(folder: str, pattern: str, least: int) -> None:
    if not SPECS.exists():
        pytest.skip("../shared/specs is not here")
    read = []
    for path in sorted((SPECS / folder).glob(pattern)):
        with suppress(SignalRefused):  # events about something else than a person's demographics
            read.append(read_signal(path.read_bytes()))
    assert len(read) >= least
    assert {one.number.digits for one in read} == {"9912003888"}
