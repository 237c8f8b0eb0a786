"""Write the parts of the reference that come from the code: ``make docs``.

A page says where a generated part stands with ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; what is between them
belongs to this script. ``--check`` writes nothing, shows what is out of date, and exits 1. A few
files are written whole.
"""

from __future__ import annotations

import difflib
import re
import sys
from enum import StrEnum
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from flask import Flask

from docs import model
from docs.rules import quality_codes
from gateway import app as application
from gateway.cli import main as command
from gateway.errors import GatewayError
from gateway.fhir import departures, spine
from gateway.services.tracing.outcomes import FLAG_SENTENCES, OF_TRACE, OF_VERIFICATION, Row
from gateway.settings import Settings
from gateway.storage import schema
from ig import purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from sqlalchemy import MetaData

    from linkage.decide import Outcome, Verdict

DOCS: Final = Path(__file__).parent
PART: Final = re.compile(r"(?P<begin><!-- begin (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end (?P=name) -->)", re.DOTALL)

_PICTURE: Final = re.compile(r"<svg .*?(?P<words><title>.*</desc>)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(head)]
    lines += [["---"] * len(lines[0])]
    lines += [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: object) -> str:
    """Return the text as code, or nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def first_sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((getdoc(thing) or "").split("\n\n")[0].split())


def settings() -> str:
    """Every field of Settings with its default and rule."""
    rows = [
        (code(f"GATEWAY_{name.upper()}"), code("" if field.default is None else field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("Variable", "Default", "Meaning"), rows)


def outcomes(rows: Mapping[Outcome, Row] | Mapping[Verdict, Row], first: str) -> str:
    """One table of outcomes, every cell of it."""
    head = (first, "Page", "Exit", "HTTP", "Spine code", "Row code", "Number column", "Status", "Grade")
    return table(
        head,
        (
            (
                code(key),
                f"**{row.heading}.** {row.advice}",
                str(row.exit_code),
                str(row.pds_status),
                code(row.pds_code),
                code(row.batch_code),
                code(row.batch_number) if row.batch_number.isdigit() else row.batch_number,
                row.status,
                code(row.grade),
            )
            for key, row in rows.items()
        ),
    )


def flags() -> str:
    """Every flag and what staff are told."""
    return table(("Flag", "Told to staff"), ((code(flag), sentence) for flag, sentence in FLAG_SENTENCES.items()))


def error_tree(kind: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    """Yield the error and everything beneath it that the errors module itself defines."""
    yield kind
    for leaf in kind.__subclasses__():
        if leaf.__module__ == GatewayError.__module__:
            yield from error_tree(leaf)


def errors() -> str:
    """The exception tree with what each surface makes of it."""
    head = ("Error", "Means", "HTTP", "Issue code", "Exit", "Sentence for staff")
    return table(
        head,
        (
            (
                code(kind.__name__),
                first_sentence(kind),
                str(kind.status),
                code(kind.fhir_code),
                str(kind.exit_code),
                kind.staff_sentence,
            )
            for kind in error_tree()
        ),
    )


def commands() -> str:
    """Each command's own help, in the order of the tree."""
    return "\n".join(_command(command, ("gateway",), None))


def _command(node: click.Command, path: tuple[str, ...], parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        node,
        info_name=path[-1],
        parent=parent,
        terminal_width=100,
        max_content_width=100,
        help_option_names=["-h", "--help"],
    )
    heading = "##" if len(path) <= 2 else "###"  # noqa: PLR2004 - `gateway x` is a section, `gateway x y` stands under it
    yield f"{heading} {' '.join(path)}\n\n```text\n{node.get_help(context)}\n```\n"
    if isinstance(node, click.Group):
        for name in node.list_commands(context):
            if child := node.get_command(context, name):
                yield from _command(child, (*path, name), context)


def vocabularies() -> str:
    """Every closed list of the agreements, with its members."""
    lists = [thing for thing in vars(purpose).values() if isinstance(thing, type) and issubclass(thing, StrEnum)]
    lists = [thing for thing in lists if thing is not StrEnum]
    return "\n".join(
        f"## {kind.__name__}\n\n{first_sentence(kind)}\n\n{', '.join(code(member.value) for member in kind)}\n"
        for kind in lists
    )


def routes() -> str:
    """Every address the application answers on, in the order of the address."""
    bare = Flask("docs", static_folder=None, root_path=str(DOCS))
    for blueprint in (*application._MACHINES, *application._PAGES):  # noqa: SLF001 - the one list of front doors
        bare.register_blueprint(blueprint)
    rows = [
        (
            rule.rule,
            ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})),
            bare.view_functions[rule.endpoint],
        )
        for rule in bare.url_map.iter_rules()
    ]
    head = ("Method", "Address", "Answers with")
    return table(head, ((methods, code(rule), first_sentence(view)) for rule, methods, view in sorted(rows, key=str)))


def rules() -> str:
    """Every rule that a row or a file can break."""
    return table(
        ("Code", "Says", "Read by", "Refuses"),
        (
            (code(rule), "; ".join(said), ", ".join(readers), "the file" if whole else "the row")
            for rule, (said, readers, whole) in quality_codes().items()
        ),
    )


def data_model() -> str:
    """Every table and column of both databases."""
    return "\n".join([*_tables("gateway", schema.gateway), *_tables("ledger", schema.ledger)])


def _tables(database: str, metadata: MetaData) -> Iterator[str]:
    for held in sorted(metadata.tables.values(), key=lambda one: one.name):
        rows = [
            (
                code(column.name),
                str(column.type),
                ("key" if column.primary_key else "") + ("optional" if column.nullable else ""),
                ", ".join(code(key.target_fullname) for key in column.foreign_keys),
            )
            for column in held.columns
        ]
        comment = f"{held.comment}\n\n" if held.comment else ""
        yield f"## {database}: {held.name}\n\n{comment}{table(('Column', 'Type', '', 'Refers to'), rows)}"


def model_levels() -> str:
    """Every field of the shipped model with its levels, their meaning and bits."""
    head = ("Level", "Means", "Bits", "Moves with")
    return "\n".join(
        f"### {field}\n\n{table(head, ((code(level), *rest) for level, *rest in ladder))}"
        for field, ladder in model.levels()
    )


def model_patterns() -> str:
    """The interactions, vetoes and groups of the shipped model, each with the levels on which it rests."""
    return "\n".join(
        (
            "### Interactions\n",
            table(
                ("Interaction", "A reviewer reads", "Bits", "Applies when"),
                ((code(name), *rest) for name, *rest in model.interactions()),
            ),
            "### Vetoes\n",
            table(
                ("Veto", "A reviewer reads", "Applies when"), ((code(name), *rest) for name, *rest in model.vetoes())
            ),
            "### Groups\n",
            table(("Group", "Agrees when"), ((code(name), when) for name, when in model.groups())),
        )
    )


def model_numbers() -> str:
    """The thresholds, name frequencies and other values of the shipped model."""
    return "\n".join(
        (
            "### Thresholds\n",
            table(
                ("Use", "Match", "Review", "Lead", "Groups", "Steps that need no person"),
                ((code(use), *rest) for use, *rest in model.thresholds()),
            ),
            "### Name frequencies\n",
            table(
                ("Field", "Strength", "Typical", "Pull", "Floor"),
                ((code(field), *rest) for field, *rest in model.frequencies()),
            ),
            "### The rest of the file\n",
            table(
                ("Place", "Value", "Meaning"),
                ((code(place), value, meaning) for place, value, meaning in model.others()),
            ),
        )
    )


def pds_codes() -> str:
    """Every code of the PDS surface, and which request deserves it."""
    head = ("Request", "HTTP", "Code", "Severity and issue code", "Display", "Diagnostics")
    return table(head, ((asked, status, code(name), *rest) for asked, status, name, *rest in spine.code_rows()))


def pds_departures() -> str:
    """Where the PDS surface departs from PDS, and in which fields a retrieved Patient may differ."""
    fields = table(
        ("Field of a retrieved Patient", "Why it may differ"),
        ((code(path), reason) for path, reason in departures.field_rows()),
    )
    return f"{table(('What', 'PDS', 'Here', 'Why'), departures.departure_rows())}\n{fields}"


PARTS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings,
    "outcomes-trace": lambda: outcomes(OF_TRACE, "Outcome"),
    "outcomes-verification": lambda: outcomes(OF_VERIFICATION, "Verdict"),
    "outcomes-flags": flags,
    "errors": errors,
    "commands": commands,
    "vocabularies": vocabularies,
    "data-model": data_model,
    "quality-codes": rules,
    "routes": routes,
    "pds-codes": pds_codes,
    "pds-departures": pds_departures,
    "model-levels": model_levels,
    "model-patterns": model_patterns,
    "model-numbers": model_numbers,
    "model-example": model.example,
}
WHOLE: Final[dict[str, Callable[[], str]]] = {
    "reference/model-schema.json": model.schema,
    "images/waterfall.svg": model.waterfall,
}
"""Files of which every byte belongs to this script."""


def renewed(text: str) -> str:
    """Return a page with its generated parts written anew."""
    return PART.sub(lambda part: f"{part['begin']}\n{PARTS[part['name']]()}\n{part['end']}", text)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` show what is out of date."""
    check = "--check" in arguments
    stale = 0
    for path, held, fresh in _files():
        if _telling(fresh) == _telling(held):
            continue
        stale += 1
        name = path.relative_to(DOCS.parent).as_posix()
        if check:
            print(f"{name} is out of date: make docs")
            sys.stdout.writelines(
                difflib.unified_diff(held.splitlines(True), fresh.splitlines(True), name, "make docs")
            )
        else:
            path.write_text(fresh, "utf-8")
            print(f"wrote {name}")
    return 1 if check and stale else 0


def _files() -> Iterator[tuple[Path, str, str]]:
    """Yield every file with a generated part, as it is held (empty: not yet) and as it should be."""
    for page in sorted(DOCS.rglob("*.md")):
        held = page.read_text("utf-8")
        yield page, held, renewed(held)
    for name, made in WHOLE.items():
        path = DOCS / name
        yield path, path.read_text("utf-8") if path.exists() else "", made()


def _telling(text: str) -> str:
    """What of a file is compared: of a picture its words, since their width is that of a machine's fonts."""
    words = _PICTURE.match(text)
    return words["words"] if words else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
