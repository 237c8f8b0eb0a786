"""What every command shares: settings, one open house, the caller, and how an error becomes an exit code."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from gateway.errors import GatewayError, InputError
from gateway.house import House, open_house
from gateway.services.governance.callers import named_caller
from gateway.settings import Mode, Settings, load_settings
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.auth.caller import Caller

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

DEMO_CALLER = "data-team"


class HouseGroup(click.Group):
    """A group whose commands end with the house's exit codes and one plain sentence, never a traceback."""

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

    def caller(self, default_purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE) -> Caller:
        """Return who is asking: ``--as`` and ``--purpose``, or in demo mode the council data team.

        Raises:
            InputError: production needs both options, or the purpose is not one of ours.
        """
        demo = self.settings.mode is Mode.DEMO
        name = self.caller_name or (DEMO_CALLER if demo else "")
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
    opened = Desk(load_settings(os.environ, **{k: v for k, v in overrides.items() if v is not None}))
    try:
        yield opened
    finally:
        opened.close()


pass_desk = click.make_pass_decorator(Desk)
