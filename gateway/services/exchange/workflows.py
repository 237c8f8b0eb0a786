"""Which workflow of the mailbox asks for what: the format of its files, and the workflow that the response goes under.

Sources: NHS England's clients and samples (PDS MESH, MPT phase 4, MPSaaS). The workflow of a PDS MESH response and
any for DBS files are not published, so all of them are a setting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import InputError
from gateway.services.tracing.formats import Format

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow under which request files come."""

    workflow: str
    layout: Format
    response: str


def read_workflows(text: str) -> dict[str, Workflow]:
    """Read ``WORKFLOW=FORMAT:RESPONSE-WORKFLOW``, one or more with commas between, by workflow.

    Raises:
        InputError: it says something else, or the same workflow twice; an answer under a workflow that asks for
            another format would be taken for a question.
    """
    found: dict[str, Workflow] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        asked, _, rest = part.partition("=")
        layout, _, response = rest.partition(":")
        if not (_NAME.fullmatch(asked) and _NAME.fullmatch(response)) or layout not in set(Format):
            formats = ", ".join(Format)
            raise _refused(f"WORKFLOW=FORMAT:RESPONSE-WORKFLOW, where FORMAT is one of {formats}")
        if asked in found:
            raise _refused("names a workflow twice")
        found[asked] = Workflow(asked, Format(layout), response)
    return found


def workflow_id(text: str) -> str:
    """Return a workflow's id, which may be any that MESH gives.

    Raises:
        InputError: that is none.
    """
    if not _NAME.fullmatch(text):
        raise InputError("--workflow: up to 100 letters, digits and . _ -", reason="workflow", field="workflow")
    return text


def _refused(rule: str) -> InputError:
    return InputError(f"GATEWAY_MESH_WORKFLOWS: {rule}", reason="setting", field="GATEWAY_MESH_WORKFLOWS")
