"""What every command shares: settings, one open house, the caller, and how an error becomes an exit code.

Nothing here imports the house before a command asks for it: help, usage errors and ``isa check`` stay quick.
"""

from __future__ import annotations

import errno
import os
import traceback
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from rich.console import Console

from gateway.errors import GatewayError, InputError, Unavailable
from gateway.settings import Mode
from ig.purpose import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

DEMO_CALLER: Final = "data-team"
_DEMO_CALLERS: Final = {
    Purpose.IG_AUDIT: "ig-officer",
    Purpose.SUBJECT_ACCESS: "ig-officer",
    Purpose.ANALYTICS: "system-release",
}
INTERRUPTED: Final = 130
"""What shells expect of a program that was interrupted; none of the house's own codes."""


class Entry(NamedTuple):
    """Where a command is (``module:attribute`` of this package) and what ``gateway --help`` says of it."""

    where: str
    summary: str


class LazyGroup(click.Group):
    """The root group: imports a command when it is called, and ends with exit codes and plain sentences."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self._entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return every command's name, in order."""
        return sorted(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.where.partition(":")
        command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._entries[name].summary) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command and close its desk; whatever goes wrong becomes a sentence and an exit code."""
        try:
            with _closing(ctx):
                return super().invoke(ctx)
        except GatewayError as error:
            _say(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            err.print("\ngateway: stopped. What was finished is kept: give the same command again to go on")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except OSError as error:
            name = Path(str(error.filename or "a file")).name
            why = errno.errorcode.get(error.errno or 0, type(error).__name__)
            err.print(f"gateway: {name} cannot be read or written ({why.lower()})", markup=False)
            ctx.exit(Unavailable.exit_code)
        except Exception as error:  # noqa: BLE001 - nobody is shown a traceback: a message could hold anything
            err.print(f"gateway: something went wrong ({_where(error)})", markup=False)
            ctx.exit(GatewayError.exit_code)


@contextmanager
def _closing(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    finally:
        if isinstance(ctx.obj, Desk):
            ctx.obj.close()


def _say(error: GatewayError) -> None:
    message = str(error)
    code = f"[{error.reason}]"
    err.print(f"gateway: {message}" if code in message else f"gateway: {message} {code}", markup=False)


def _where(error: Exception) -> str:
    """Say of what kind an unexpected error was and where it came from; its message is for nobody."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/gateway/" in frame.filename] or frames
    return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


class Desk:
    """One command's desk: settings read once, the house opened on first use and closed at the end."""

    def __init__(
        self, environ: Mapping[str, str], overrides: Mapping[str, Any], *, caller: str = "", purpose: str = ""
    ) -> None:
        self.caller_name = caller
        self.purpose_name = purpose
        self._environ = environ
        self._overrides = overrides

    @cached_property
    def settings(self) -> Settings:
        """The settings; without a mode, that of the database.

        Raises:
            InputError: a setting breaks its rule.
            Unavailable: the database cannot be reached.
        """
        from gateway.house import settings_for  # noqa: PLC0415 - see above

        return settings_for(self._environ, **self._overrides)

    @cached_property
    def house(self) -> House:
        """The open house.

        Raises:
            InputError: the database is for the other mode.
            Unavailable: a store is not there, not up to date or cannot be opened.
        """
        from gateway.house import open_house  # noqa: PLC0415 - see above

        return open_house(self.settings)

    def close(self) -> None:
        """Close the house if it was opened."""
        if "house" in self.__dict__:
            self.house.close()
            del self.house

    def caller(self, default_purpose: Purpose = Purpose.DEMOGRAPHIC_TRACE, demo_caller: str = "") -> Caller:
        """Return who is asking: ``--as`` and ``--purpose``, or in demo mode ``demo_caller`` or the council data team.

        Raises:
            InputError: production needs both options, or the purpose is not one of ours.
            NotPermitted: the caller is unknown, revoked, or not registered for this purpose.
        """
        from gateway.services.governance.callers import named_caller  # noqa: PLC0415 - see above

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


def desk(caller: str, purpose: str, data_dir: str | None) -> Desk:
    """Return a desk on the process environment; the only place that reads it."""
    return Desk(os.environ, {"data_dir": data_dir} if data_dir else {}, caller=caller, purpose=purpose)


pass_desk = click.make_pass_decorator(Desk)


class SourcePerson(click.ParamType[str]):
    """A source's record of a person: its id as pages and reviews show it, or ``SOURCE/ORGANISATION/LOCAL-ID``."""

    name = "record"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the id."""
        parts = value.split("/", 2)
        if len(parts) == 1:
            return value
        if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - the three that identify a local record
            self.fail("an id, or SOURCE/ORGANISATION/LOCAL-ID such as social-care/999/100235", param, ctx)
        from gateway.storage.records import source_person_id  # noqa: PLC0415 - see above

        return source_person_id(*parts)
