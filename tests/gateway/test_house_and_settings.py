"""What holds the house together: its settings, its errors, its ids, its register and its engine."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gateway
from fixtures.agreements import demo_agreements
from gateway import errors, ids
from gateway.errors import Conflict, GatewayError, InputError, Unavailable
from gateway.house import open_house, settings_for, shipped_model
from gateway.register import ADDENDUM, make_register
from gateway.settings import Mode, Settings, load_settings
from gateway.storage.agreements import AgreementText, Signature
from ig.agreement import load
from ig.terms import Status
from linkage.nhs_number import NhsNumber
from tests.gateway.houses import AMINA, empty, opened, settings_in

if TYPE_CHECKING:
    from collections.abc import Iterator


# --- settings ----------------------------------------------------------------------------------------------------


def test_settings_are_read_from_what_is_handed_in_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_MODE", "demo")
    assert load_settings({}).mode is Mode.PRODUCTION
    assert load_settings({"GATEWAY_MODE": "demo", "MODE": "production"}).mode is Mode.DEMO


def test_what_the_command_line_says_wins() -> None:
    assert load_settings({"GATEWAY_TOKEN_MINUTES": "10"}, token_minutes=20).token_minutes == 20


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings({}).mode = Mode.DEMO


@pytest.mark.parametrize(
    ("name", "value"),
    [("MODE", "playful"), ("INDEX_MAX_AGE_DAYS", "0"), ("TOKEN_MINUTES", "61"), ("UPLOAD_MAX_BYTES", "many")],
)
def test_a_setting_that_breaks_its_rule_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(InputError) as refused:
        load_settings({f"GATEWAY_{name}": value})
    assert refused.value.field == f"GATEWAY_{name}"
    assert str(refused.value).startswith(f"GATEWAY_{name}: ")
    assert f"'{value}'" not in str(refused.value).partition(":")[2].replace("'production' or 'demo'", "")


def test_everything_is_kept_below_the_data_folder() -> None:
    settings = load_settings({"GATEWAY_DATA_DIR": "elsewhere"})
    for path in (settings.gateway_db, settings.ledger_db, settings.keys_dir, settings.releases_dir):
        assert path.parent == Path("elsewhere")


# --- the house ---------------------------------------------------------------------------------------------------


def test_a_database_says_what_it_is_for_where_nobody_else_does(tmp_path: Path) -> None:
    settings = empty(settings_in(tmp_path / "var"))
    environ = {"GATEWAY_DATA_DIR": str(settings.data_dir)}
    assert settings_for(environ).mode is Mode.DEMO
    assert settings_for({**environ, "GATEWAY_MODE": "production"}).mode is Mode.PRODUCTION
    assert settings_for({"GATEWAY_DATA_DIR": str(tmp_path / "nothing")}).mode is Mode.PRODUCTION


def test_a_database_refuses_the_other_mode(tmp_path: Path) -> None:
    settings = empty(settings_in(tmp_path / "var"))
    with pytest.raises(Conflict):
        open_house(settings.model_copy(update={"mode": Mode.PRODUCTION}))


def test_a_house_that_is_not_there_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(GatewayError):
        open_house(settings_in(tmp_path / "nothing"))


def test_an_empty_house_has_a_register_a_clock_and_an_engine(tmp_path: Path) -> None:
    with opened(empty(settings_in(tmp_path / "var"))) as house:
        assert not house.register().agreements
        assert house.register() is house.register()
        assert house.now().tzinfo
        assert house.engine().model == shipped_model().label
        assert house.engine().model_hash == shipped_model().hash


# --- the register ------------------------------------------------------------------------------------------------


def _stored(text: str) -> AgreementText:
    parsed = load(text)
    return AgreementText(parsed.id, str(parsed.version), parsed.hash, text, Status.ACTIVE.value)


def test_stored_texts_and_signatures_become_the_register() -> None:
    texts = [_stored(text) for text in demo_agreements()]
    risk = next(text for text in texts if text.agreement_id == "ISA-RISKSTRAT")
    at = load_at()
    signatures = [
        Signature(risk.hash, "999", "A Signatory", "controller", at),
        Signature(risk.hash, "Z99002", "A Signatory", f"{ADDENDUM}A1", at),
    ]
    register = make_register(texts, signatures)
    assert {agreement.id for agreement in register.agreements} >= {"FW-LCR", "ISA-CARE", "ISA-RISKSTRAT"}
    kept = {(one.ods, one.addendum) for one in register.signatures}
    assert {("999", ""), ("Z99002", "A1")} <= kept


def load_at() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_a_stored_text_that_no_longer_reads_stops_every_decision() -> None:
    broken = replace(_stored(demo_agreements()[0]), text="schema: nothing")
    with pytest.raises(Unavailable) as refused:
        make_register([broken], [])
    assert refused.value.reason == "register"


# --- ids ---------------------------------------------------------------------------------------------------------


def test_ids_are_the_same_every_time_and_never_the_number() -> None:
    number = NhsNumber(AMINA.number)
    assert ids.person_id(number) == ids.person_id(number) == AMINA.id
    assert AMINA.number not in AMINA.id
    assert ids.person_id_without_number("p") != ids.person_id_without_number("q")
    assert len({ids.link_id("p", 0), ids.link_id("p", 1), ids.link_id("q", 0)}) == 3


# --- errors ------------------------------------------------------------------------------------------------------


def _leaves(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for leaf in root.__subclasses__():
        yield leaf
        yield from _leaves(leaf)


def _import_everything() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)


def test_every_error_of_the_gateway_stands_in_one_tree_and_knows_what_to_say() -> None:
    _import_everything()
    leaves = list(_leaves(GatewayError))
    assert {leaf.__name__ for leaf in leaves} >= {
        *("InputError", "NotPermitted", "NotSignedIn", "NotFound", "Conflict", "Unavailable", "UpstreamError"),
    }
    for leaf in leaves:
        assert leaf.status in {200, 400, 401, 403, 404, 406, 409, 410, 413, 415, 429, 502, 503}, leaf
        assert leaf.exit_code in {1, 2, 3, 4}
        assert leaf.fhir_code
        assert leaf.staff_sentence.endswith(".")


def test_no_module_of_the_gateway_grows_an_error_outside_the_tree() -> None:
    """What a service raises is one of ours; whatever else a module defines stays inside it."""
    _import_everything()
    foreign = {
        f"{one.__module__}.{one.__name__}"
        for one in _every(Exception)
        if one.__module__.startswith("gateway.") and not issubclass(one, GatewayError)
    }
    assert {name for name in foreign if name.startswith(("gateway.services", "gateway.gate", "gateway.house"))} == set()


def _every(root: type[BaseException]) -> Iterator[type[BaseException]]:
    for one in root.__subclasses__():
        yield one
        yield from _every(one)


def test_an_error_says_its_own_sentence_unless_told_otherwise() -> None:
    assert str(errors.NotFound()) == errors.NotFound.staff_sentence
    assert errors.NotFound().reason == "not-found"
    assert str(errors.InputError("family: enter one", reason="required", field="family")) == "family: enter one"
    assert errors.NotPermitted(decision="d-1").decision == "d-1"
    assert isinstance(errors.NotSignedIn(), errors.NotPermitted)
    assert Settings.model_fields
