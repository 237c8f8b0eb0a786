"""The open house: stores, gate and matcher, put together once and handed to every use case."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.engine import Engine
from gateway.errors import Unavailable
from gateway.gate import Gate
from gateway.register import make_register
from gateway.settings import load_settings
from gateway.storage import open_stores, stamped_mode
from gateway.storage.models import shipped_model
from linkage.decide import Matcher
from linkage.model import Frequencies, Model, ModelFault, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.settings import Settings
    from gateway.storage import Stores
    from gateway.storage.index import IndexInfo
    from ig.register import Register

__all__ = ["House", "open_house", "settings_for", "shipped_model"]


@dataclass(slots=True)
class House:
    """Everything a use case needs. Made by :func:`open_house`; closed by whoever opened it."""

    settings: Settings
    stores: Stores
    gate: Gate = field(init=False)
    _engine: tuple[object, Engine] | None = field(default=None, init=False)
    _register: tuple[object, Register] | None = field(default=None, init=False)
    _model: tuple[str, Model] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.stores, self.register, self.now)

    def now(self) -> datetime:
        """The effective clock: never earlier than the last durable ledger row."""
        return self.stores.ledger.clock()

    def register(self) -> Register:
        """The agreements in force. Read at every request, so that a suspension holds from the next one; parsed once."""
        agreements = self.stores.governance.agreements
        held = (tuple(agreements.all()), tuple(agreements.signatures()))
        with self._lock:
            if self._register is None or self._register[0] != held:
                self._register = (held, make_register(*held))
            return self._register[1]

    @property
    def model(self) -> Model:
        """The model in use. Asked for at every question, so that an activation holds from the next one; read once.

        Raises:
            Unavailable: it was made for another version of this software.
        """
        wanted = self.stores.models.in_use()
        with self._lock:
            if self._model is None or self._model[0] != wanted:
                self._model = (wanted, _read(self.stores, wanted))
            return self._model[1]

    def engine(self) -> Engine:
        """The index and a matcher made for it, made again whenever an index load is whole or a model is put in use.

        Raises:
            Unavailable: the model in use was made for another version of this software.
        """
        info, model = self.stores.index.describe(), self.model
        with self._lock:
            if self._engine is None or self._engine[0] != (info, model.hash):
                self._engine = ((info, model.hash), self._engine_of(model, info))
            return self._engine[1]

    def engine_of(self, model: Model) -> Engine:
        """Make the engine that this index would have under another model: for trying it, and for nothing else."""
        return self._engine_of(model, self.stores.index.describe())

    def _engine_of(self, model: Model, info: IndexInfo | None) -> Engine:
        people = info.people if info else 0
        matcher = Matcher(model, Frequencies(self.stores.index.terms(), people), people)
        return Engine(self.stores.index, matcher, model.label, model.hash)

    def close(self) -> None:
        """Close the stores; rows nobody waited for are flushed first."""
        self.stores.close()


def settings_for(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Read settings; where no mode is set, a database that is there already says what it is for.

    A mode that is set must be the database's: :func:`open_house` refuses the other.

    Raises:
        InputError: a setting breaks its rule.
        Unavailable: the database cannot be reached.
    """
    settings = load_settings(environ, **overrides)
    if "GATEWAY_MODE" in environ or "mode" in overrides:
        return settings
    held = stamped_mode(settings)
    return settings if held is None else settings.model_copy(update={"mode": held})


def open_house(settings: Settings) -> House:
    """Open the stores and check that this database is for this mode.

    Raises:
        Unavailable: a store cannot be opened safely.
        Conflict: the database was stamped for the other mode.
    """
    stores = open_stores(settings)
    return House(settings, stores)


def _read(stores: Stores, model_hash: str) -> Model:
    held = stores.models.get(model_hash)
    try:
        return load(held.content if held else b"")
    except ModelFault as fault:
        raise Unavailable(
            f"the model in use is not of this version ({fault}): try one with 'gateway link --shadow', then put it in "
            "use with 'gateway model activate'",
            reason="model-version",
        ) from None
