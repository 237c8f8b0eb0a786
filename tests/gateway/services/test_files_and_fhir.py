"""Files that people name, FHIR that they hand us, signatures of controllers, and what PDS confirms."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from gateway.errors import InputError, NotFound, Unavailable, UpstreamError
from gateway.ids import person_id
from gateway.services.files import named
from gateway.services.governance.signing import sign
from gateway.services.records.validate import validate_path
from gateway.services.tracing.upstream import confirm_with_pds
from gateway.services.tracing.verify import VerifyResult, verify_number
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import AMINA, BRAM, STRANGER, Watch, persona

if TYPE_CHECKING:
    from gateway.house import House
    from gateway.storage import Permit


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOENT, InputError),
        (errno.EACCES, InputError),
        (errno.EISDIR, InputError),
        (errno.ENOSPC, Unavailable),
        (errno.EIO, Unavailable),
        (None, InputError),
    ],
)
def test_a_file_that_cannot_be_used_is_named_by_its_base_name(code: int | None, error: type[Exception]) -> None:
    with pytest.raises(error) as refused, named(Path("somewhere") / "feed.csv"):
        raise OSError(code, "as the system puts it") if code else OSError
    assert str(refused.value).startswith("feed.csv: ")
    assert "somewhere" not in str(refused.value)


# --- FHIR --------------------------------------------------------------------------------------------------------


def patient(**other: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    number = {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": AMINA.number}
    return {"resourceType": "Patient", "id": "p1", "identifier": [number], **other}


def test_resources_bundles_and_lines_are_checked(tmp_path: Path) -> None:
    bad = patient(identifier=[{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000019"}])
    one = tmp_path / "one.json"
    one.write_text(json.dumps(bad))
    assert validate_path(one)
    many = tmp_path / "many.ndjson"
    many.write_text(json.dumps(bad) + "\n\n" + json.dumps(bad) + "\n")
    assert len(validate_path(many)) == 2 * len(validate_path(one))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.json", b"{", "x.json, line 1: not JSON"),
        ("x.ndjson", b"{}\n[]\n", "x.ndjson, line 2: not a FHIR resource"),
        ("x.json", b"\xff", "x.json: not UTF-8"),
    ],
)
def test_what_is_no_fhir_is_refused_at_its_line(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as refused:
        validate_path(tmp_path / name)
    assert str(refused.value) == words


def test_a_file_too_large_or_absent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.json").write_text("{}")
    monkeypatch.setattr("gateway.services.records.validate._LARGEST", 1)
    with pytest.raises(InputError, match="larger than"):
        validate_path(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be opened"):
        validate_path(tmp_path / "absent.json")


# --- signatures --------------------------------------------------------------------------------------------------


def signed(house: House, organisation: str, **other: str) -> str:
    told = {"signatory": "A Signatory", "evidence": "minutes of May", **other}
    return sign(house, persona(house, "ig-officer"), "ISA-RISKSTRAT", organisation, **told)


def test_a_controllers_signature_is_kept_and_recorded(own_town: House) -> None:
    seen = Watch(own_town)
    assert signed(own_town, "Z99002", addendum="A1") == "ISA-RISKSTRAT@1+A1"
    assert ("Z99002", "A1") in {(one.ods, one.addendum) for one in own_town.register().signatures}
    (row,) = seen.rows()
    assert (row.body["action"], row.body["details"]["organisation"]) == ("isa:sign", "Z99002")
    assert signed(own_town, "Z99002") == "ISA-RISKSTRAT@1"


def test_only_controllers_of_what_is_there_sign(own_town: House) -> None:
    with pytest.raises(InputError) as refused:
        signed(own_town, "X99")
    assert refused.value.reason == "not-a-controller"
    with pytest.raises(NotFound):
        signed(own_town, "Z99002", addendum="A9")
    with pytest.raises(NotFound):
        sign(own_town, persona(own_town, "ig-officer"), "ISA-NONE", "999", signatory="x", evidence="y")


# --- PDS confirms ------------------------------------------------------------------------------------------------


class Pds:
    """A PDS that holds what it is given."""

    def __init__(self, held: dict[str, Any] | Exception | None) -> None:
        self.held = held
        self.asked: list[str] = []

    def patient(self, number: NhsNumber) -> dict[str, Any] | None:
        """Answer, or fail, as told."""
        self.asked.append(number.digits)
        if isinstance(self.held, Exception):
            raise self.held
        return self.held


def confirmed(house: House) -> VerifyResult:
    return verify_number(house, persona(house, "social-worker"), AMINA.number, AMINA.asked())


def shown(house: House, permit: Permit, who: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(house.stores.index.patient_json(permit, NhsNumber(who)) or b"")
    return body


def test_what_pds_confirms_is_present_and_verified(town: House, permit: Permit) -> None:
    pds = Pds(shown(town, permit, AMINA.number))
    seen = Watch(town)
    worker = persona(town, "social-worker")
    result = confirm_with_pds(town, worker, confirmed(town), AMINA.asked(), pds)
    assert (result.status, pds.asked) == ("01", [AMINA.number])
    row = seen.rows()[-1]
    assert row.body["subjects"]["tokens"] == [town.stores.keys.subject_token(person_id(NhsNumber(AMINA.number)))]


@pytest.mark.parametrize("other", [None, BRAM.number])
def test_what_pds_does_not_confirm_stays_as_it_was(town: House, permit: Permit, other: str | None) -> None:
    before = confirmed(town)
    pds = Pds(shown(town, permit, other) if other else None)
    assert confirm_with_pds(town, persona(town, "social-worker"), before, AMINA.asked(), pds).status == before.status


def test_what_was_not_confirmed_here_is_not_asked_there(town: House) -> None:
    pds = Pds(None)
    worker = persona(town, "social-worker")
    failed = verify_number(town, worker, AMINA.number, STRANGER.asked())
    assert confirm_with_pds(town, worker, failed, STRANGER.asked(), pds) == failed
    assert not pds.asked


def test_a_pds_that_does_not_answer_is_said_so(town: House) -> None:
    with pytest.raises(UpstreamError):
        confirm_with_pds(
            town, persona(town, "social-worker"), confirmed(town), AMINA.asked(), Pds(UpstreamError(reason="pds"))
        )
