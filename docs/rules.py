"""Find the quality codes of the adapters in their syntax trees, so that none can be missing from the reference.

A code is the second argument (or ``rule=``) of the calls that refuse a field, a row or a file; what stands beside it
is the sentence that people read.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ADAPTERS: Final = Path(__file__).parents[1] / "adapters"
REFUSALS: Final = {"BadField", "FeedRefused", "Quarantined", "_Fault", "_refused", "_bad_date"}
WHOLE_FILE: Final = {"FeedRefused", "_refused"}


def quality_codes() -> dict[str, tuple[list[str], list[str], bool]]:
    """Return each code with its sentences, the adapters that use it, and whether it refuses the whole file."""
    found: defaultdict[str, tuple[set[str], set[str], set[bool]]] = defaultdict(lambda: (set(), set(), set()))
    for path in sorted(ADAPTERS.rglob("*.py")):
        inside = path.relative_to(ADAPTERS).parts
        reader = inside[0] if len(inside) > 1 else "all"
        for name, rule, said in _refusals(ast.parse(path.read_text("utf-8"))):
            sentences, readers, whole = found[rule]
            sentences.update({said} - {""})
            readers.add(reader)
            whole.add(name in WHOLE_FILE)
    return {rule: (sorted(s), sorted(r), True in w) for rule, (s, r, w) in sorted(found.items())}


def _refusals(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield the name called, the code and the sentence of each refusal that spells its code out."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in REFUSALS:
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        placed = node.args if name != "Quarantined" else []
        for rule in _texts(named.get("rule", placed[1] if len(placed) > 1 else None)):
            said = _texts(named.get("message", placed[2] if len(placed) > 2 else None))  # noqa: PLR2004 - third argument
            yield name, rule, said[0] if said else ""


def _texts(node: ast.expr | None) -> list[str]:
    """The texts an expression may be: a constant, either side of a choice, an f-string with its holes as dots."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=yes, orelse=no):
            return _texts(yes) + _texts(no)
        case ast.JoinedStr(values=values):
            return ["".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in values)]
    return []
