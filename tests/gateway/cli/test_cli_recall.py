"""The commands of recalls and of webhooks, once each and in the order in which somebody would give them."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from gateway.cli import webhooks
from gateway.house import open_house, settings_for
from tests.gateway.receiver import listening

if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

    import pytest

    from tests.gateway.cli.conftest import Command

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_a_wrong_link_is_recalled_from_the_demonstration(own_gateway: Command, record: str, tmp_path: Path) -> None:
    assert own_gateway("recall", "list").stdout == "0 recalls\n"
    said = own_gateway("unlink", record, "--reason", "test").stdout
    incident = re.search(rf"recall ({UUID}): (\d+) receipts", said)
    assert incident, said
    # the demonstration's release was about everybody
    listed = own_gateway("recall", "list").stdout
    assert f"{incident[1]}  opened " in listed
    assert f"{incident[2]} receipts, {incident[2]} open" in listed
    shown = own_gateway("recall", "show", incident[1]).stdout
    receipts = re.findall(rf"^({UUID})  release  system-release \(QZZ\)", shown, re.MULTILINE)
    assert receipts
    assert own_gateway("recall", "show", "no-such").exit_code == 1
    ran = own_gateway("recall", "report", "--out", tmp_path / "retractions.csv")
    assert (ran.exit_code, f"release, open: {len(receipts)}" in ran.stdout) == (0, True)
    with (tmp_path / "retractions.csv").open(encoding="utf-8", newline="") as opened:
        assert {row["receipt"] for row in csv.DictReader(opened)} >= set(receipts)
    assert own_gateway("recall", "acknowledge", incident[1]).exit_code == 2
    assert own_gateway("recall", "acknowledge", incident[1], receipts[0]).stdout == "1 receipt acknowledged\n"
    assert "acknowledged by ig-officer" in own_gateway("recall", "show", incident[1]).stdout
    own_gateway("recall", "acknowledge", incident[1], "--all")
    assert own_gateway("recall", "acknowledge", incident[1], "--all").exit_code == 2
    assert own_gateway("--as", "social-worker", "--purpose", "direct-care", "recall", "list").exit_code == 3


def test_what_is_late_is_said_and_shown_by_the_exit_code(own_gateway: Command, record: str) -> None:
    own_gateway("unlink", record, "--reason", "test")
    house = open_house(settings_for({}, data_dir=own_gateway.folder))
    with house.stores.transaction() as tx:
        tx.change("UPDATE recall_notice SET sent_at = '2026-01-01 00:00:00'")
    assert re.search(r" ([1-9]\d*) open, \1 overdue", own_gateway("recall", "list").stdout)
    assert own_gateway("recall", "report").exit_code == 1
    with house.stores.transaction() as tx:
        tx.change("UPDATE incident SET until = NULL")
    house.close()
    assert "receivers not looked for yet: gateway worker" in own_gateway("recall", "list").stdout


def test_the_life_of_a_webhook(own_gateway: Command) -> None:
    with listening() as receiver:
        topics = ("--topic", "link-retracted", "--topic", "record-changed")
        ran = own_gateway("webhook", "add", receiver.url, "--for", "data-team", *topics)
        assert ran.exit_code == 0, ran.stderr
        made = ran.stdout
        webhook_id, secret = re.findall(rf"^({UUID})\n(whsec_\S+)  \(shown once", made)[0]
        listed = own_gateway("webhook", "list").stdout
        assert f"{webhook_id}  data-team (999)  {receiver.url}  link-retracted record-changed  0 delivered" in listed
        assert secret not in listed
        assert own_gateway("webhook", "test", webhook_id).stdout == "taken\n"
        assert receiver.calls[0].is_signed(secret)
        newer = own_gateway("webhook", "rotate", webhook_id).stdout.split()[0]
        receiver.answers = lambda: 500
        ran = own_gateway("webhook", "test", webhook_id)
        assert (ran.exit_code, ran.stdout) == (1, "not taken: status-500\n")
        assert receiver.calls[1].is_signed(secret)
        assert receiver.calls[1].is_signed(newer)
        assert own_gateway("webhook", "rotate", webhook_id, "--finish").stdout == "the older secret is gone\n"
        assert own_gateway("webhook", "rotate", webhook_id, "--finish").stdout == "there was no older secret\n"
        assert own_gateway("webhook", "deliver", "--once").stdout == "0 delivered, 0 to try again, 0 given up\n"
    assert own_gateway("webhook", "remove", webhook_id).stdout == "removed\n"
    assert own_gateway("webhook", "list").stdout == ""
    assert own_gateway("webhook", "remove", webhook_id).exit_code == 1


def test_delivering_goes_on_until_interrupted(own_gateway: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> NoReturn:
        slept.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(webhooks.time, "sleep", sleep)  # type: ignore[attr-defined]  # the module's own import
    assert own_gateway("webhook", "deliver", "--every", "0.5").exit_code == 130
    assert slept == [0.5]


def test_an_address_inside_is_refused_in_production(production: Command) -> None:
    office = ("--role", "ig-officer", "--organisation", "999", "--org-class", "council", "--purposes", "ig-audit")
    assert production("caller", "add", "inge", "--name", "Inge", *office).exit_code == 0
    asked = ("--as", "inge", "--purpose", "ig-audit", "webhook", "add", "--for", "inge", "--topic", "link-retracted")
    for inside in ("https://10.0.0.1/", "https://127.0.0.1/", "http://127.0.0.1/"):
        ran = production(*asked, inside)
        assert (ran.exit_code, "[webhook-" in ran.stderr) == (2, True)
    allowed = production(*asked, "https://10.0.0.1/", env={"GATEWAY_WEBHOOK_NETWORKS": "10.0.0.0/24"})
    assert allowed.exit_code == 0
    assert production("webhook", "list", env={"GATEWAY_WEBHOOK_NETWORKS": "nowhere"}).exit_code == 0
    ran = production(*asked, "https://10.0.0.1/", env={"GATEWAY_WEBHOOK_NETWORKS": "nowhere"})
    assert (ran.exit_code, "GATEWAY_WEBHOOK_NETWORKS" in ran.stderr) == (2, True)
