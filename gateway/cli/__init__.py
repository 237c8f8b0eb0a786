"""The ``gateway`` command (DESIGN section 9): names, exit codes and messages that scripts may rely on."""

from gateway.cli.main import main

__all__ = ["main"]
