"""What every command shares: settings, one open house, the caller, and how an error becomes an exit code."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from gateway.errors import GatewayError, InputError
from gateway.house import House, open_house, settings_for
from gateway.services.governance.callers import named_caller
from gateway.settings import Mode, Settings
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.auth.caller import Caller

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

DEMO_CALLER = "data-team"
_DEMO_CALLERS = {
    Purpose.IG_AUDIT: "ig-officer",
    Purpose.SUBJECT_ACCESS: "ig-officer",
    Purpose.ANALYTICS: "system-release",
}


class LazyGroup(click.Group):
    """The root group: imports a command when it is called, and ends with exit codes and plain sentences.

    ``commands_at`` maps a command's name to ``module:attribute`` of this package.
    """

    def __init__(self, *args: Any, commands_at: Mapping[str, str], **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self._commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return every command's name, in order."""
        return sorted(self._commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command."""
        where = self._commands_at.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; a GatewayError becomes its sentence and its exit code."""
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            tail = f" [{error.reason}]" if error.reason else ""
            err.print(f"gateway: {error}{tail}", markup=False)
            ctx.exit(error.exit_code)


@dataclass
class Desk:
    """One command's desk: settings read once, the house opened on first use and closed at the end."""

    settings: Settings
    caller_name: str = ""
    purpose_name: str = ""
    _house: House | None = field(default=None, init=False)

    @property
    def house(self) -> House:
        """The open house."""
        if self._house is None:
            self._house = open_house(self.settings)
        return self._house

    def close(self) -> None:
        """Close the house if it was opened."""
        if self._house is not None:
            self._house.close()
            self._house = None

    def caller(self, default_purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE, demo_caller: str = "") -> Caller:
        """Return who is asking: ``--as`` and ``--purpose``, or in demo mode ``demo_caller`` or the council data team.

        Raises:
            InputError: production needs both options, or the purpose is not one of ours.
        """
        demo = self.settings.mode is Mode.DEMO
        usual = demo_caller or _DEMO_CALLERS.get(default_purpose, DEMO_CALLER)
        name = self.caller_name or (usual if demo else "")
        purpose = self.purpose_name or (default_purpose.value if demo else "")
        if not (name and purpose):
            raise InputError("say who is asking: --as CALLER --purpose PURPOSE", reason="caller-required")
        try:
            wanted = Purpose(purpose)
        except ValueError:
            raise InputError(f"--purpose: one of {', '.join(Purpose)}", reason="purpose", field="purpose") from None
        return named_caller(self.house, name, wanted)


@contextmanager
def desk(**overrides: Any) -> Iterator[Desk]:  # noqa: ANN401 - settings of any type
    """Open a desk from the process environment; the only place that reads it."""
    opened = Desk(settings_for(os.environ, **{k: v for k, v in overrides.items() if v is not None}))
    try:
        yield opened
    finally:
        opened.close()


pass_desk = click.make_pass_decorator(Desk)
