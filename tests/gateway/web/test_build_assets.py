"""The pages' assets: built once, of matching versions, without anybody's typeface or logo."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from gateway.web import build_assets
from gateway.web.build_assets import DIST, MANIFEST, SOURCES, WORKSHOP, AssetsNotBuilt, build, main, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

# which NHS.UK frontend the installed templates were made for: the table in nhsuk-frontend-jinja's own README
MADE_FOR = {"0.10.2": "10.6.1"}


def test_templates_and_assets_are_of_versions_made_for_each_other() -> None:
    package = json.loads((SOURCES / "package.json").read_bytes())
    assert package["dependencies"]["nhsuk-frontend"] == MADE_FOR[version("nhsuk-frontend-jinja")]


def test_the_lock_names_versions_and_checksums_and_no_registry() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_bytes())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all(entry["integrity"] and "resolved" not in entry for entry in packages.values())


def test_what_is_built_is_left_alone() -> None:
    first = build()
    stamp = (DIST / MANIFEST).stat().st_mtime_ns
    assert build() == first
    assert (DIST / MANIFEST).stat().st_mtime_ns == stamp


def test_a_spoilt_file_is_built_again(tmp_path: Path) -> None:
    build()
    made = tmp_path / "dist"
    build(made)
    (made / "main.css").write_text("spoilt")
    build(made)
    assert (made / "main.css").stat().st_size > 100_000
    assert build(made) == read_manifest(made)


def test_the_style_sheet_asks_for_no_font_and_no_other_host() -> None:
    build()
    text = (DIST / "main.css").read_text()
    assert "@font-face" not in text
    assert "Frutiger" not in text
    assert "//" not in text.replace("http://www.w3.org", "")


def test_no_nhs_logo_or_icon_is_carried() -> None:
    manifest = build()
    files = manifest["files"]
    assert isinstance(files, dict)
    assert not [name for name in files if "favicon.ico" in name or "opengraph" in name or "mask" in name]


def test_a_manifest_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / MANIFEST).write_text("[]")
    assert read_manifest(tmp_path) is None
    (tmp_path / MANIFEST).write_text("{")
    assert read_manifest(tmp_path) is None


def test_without_node_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gateway.web.build_assets.shutil.which", lambda *_args, **_kwargs: None)
    with pytest.raises(AssetsNotBuilt, match="npm was not found"):
        build_assets._run("npm", "ci", cwd=WORKSHOP)

    def absent() -> dict[str, object]:
        raise AssetsNotBuilt("npm was not found")

    monkeypatch.setattr(build_assets, "build", absent)
    assert main() == 4
    assert "npm was not found" in capsys.readouterr().err


def test_a_failing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssetsNotBuilt, match="node -e failed"):
        build_assets._run("node", "-e", "process.exit(3)", cwd=tmp_path)


def test_the_command_says_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert "nhsuk-frontend 10.6.1" in capsys.readouterr().out
