"""How the two databases came to be, step by step.

The latest step of each is named here, so that opening a house need not load Alembic to know whether its databases
are up to date; a test compares.
"""

from __future__ import annotations

from typing import Final

LATEST: Final = {"gateway": "0007", "ledger": "0001"}
