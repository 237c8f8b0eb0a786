"""Use cases of the matching model: which there are, which decides, and how another is put in use.

A model that would change who is joined to whom is first tried in a shadow run over everything as it is now
(``gateway.services.quality.shadow``), and whoever puts it in use names how many links they accept to lose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable
from gateway.storage.models import shipped_model
from ig.purpose import Role
from linkage.model import ModelFault, load

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.auth.caller import Caller
    from gateway.house import House
    from gateway.storage.models import ShadowRun
    from linkage.model import Model

SHIPPED: Final = "shipped"
"""The word for the model that comes with the package, where a file or a hash could stand."""

KEEPERS: Final = frozenset({Role.SYSTEM, Role.SYSTEM_ADMIN, Role.DATA_TEAM})
"""Who puts a model in use: whoever runs the matching, and nobody who lives by its single answers."""

_SHORTEST: Final = 8


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model of a list. ``since`` and ``by`` are of its standing activation; ``shadows`` its completed runs."""

    hash: str
    name: str
    version: str
    added_at: datetime | None
    added_by: str
    in_use: bool
    shipped: bool
    since: datetime | None
    by: str
    shadows: tuple[ShadowRun, ...]


@dataclass(frozen=True, slots=True)
class Stamps:
    """Over what a shadow run was made: it answers for nothing else."""

    index: str
    records: str


def stamps(house: House) -> Stamps:
    """Return what a shadow run made now would answer for.

    Raises:
        Unavailable: no index is loaded.
    """
    index = house.stores.models.index_stamp()
    if not index:
        raise Unavailable("no index is loaded: run 'gateway index load'", reason="index-absent")
    return Stamps(index, house.stores.models.records_stamp())


def read_model(data: bytes) -> Model:
    """Read a model file.

    Raises:
        InputError: it cannot be used; names the path to the first fault and the rule it breaks.
    """
    try:
        return load(data)
    except ModelFault as fault:
        raise InputError(str(fault), reason=f"model-{fault.rule}", field=fault.path) from None


def known_model(house: House, name: str) -> Model:
    """Return a model by its hash, the first eight characters or more of it, or as ``shipped``.

    Raises:
        NotFound: there is none of that hash.
        InputError: too few characters, several models begin so, or it was made for another version of this software.
    """
    if name == SHIPPED:
        return shipped_model()
    if len(name) < _SHORTEST:
        raise InputError(f"a model is a file, {SHIPPED}, or 8 characters of its hash", reason="model", field="model")
    found = [one for one in house.stores.models.all() if one.hash.startswith(name.lower())]
    if not found:
        raise NotFound("there is no model of this hash: see 'gateway model list'", reason="model")
    if len(found) > 1:
        raise InputError("several models begin so: give more of the hash", reason="model", field="model")
    return read_model(found[0].content)


def list_models(house: House) -> list[ModelLine]:
    """Return every model that is known, in order of arrival, the shipped one among them."""
    store = house.stores.models
    standing = store.activations()[-1]
    shipped = shipped_model()
    shadows = store.shadows()
    lines = [
        ModelLine(
            hash=one.hash,
            name=one.name,
            version=one.version,
            added_at=one.added_at,
            added_by=one.added_by,
            in_use=one.hash == standing.hash,
            shipped=one.hash == shipped.hash,
            since=standing.at if one.hash == standing.hash else None,
            by=standing.actor if one.hash == standing.hash else "",
            shadows=tuple(run for run in shadows if run.hash == one.hash),
        )
        for one in store.all()
    ]
    if not any(line.shipped for line in lines):
        lines.append(ModelLine(shipped.hash, shipped.name, shipped.version, None, "", False, True, None, "", ()))
    return lines


def activate_model(house: House, caller: Caller, model: Model, accept_lost: int = 0) -> ShadowRun:
    """Put a model in use, in every process from its next question on; the next link run traces everybody under it.

    Returns the shadow run that this rests on.

    Raises:
        NotPermitted: the caller's role does not, the model was not tried over the index and the records as they are
            now, or it loses another number of links than ``accept_lost``. The try is recorded.
        Conflict: it is in use already.
        Unavailable: no index, or the ledger cannot take the row; nothing is changed.
    """
    store = house.stores.models
    if store.in_use() == model.hash:
        raise Conflict("this model is in use already", reason="model-in-use")
    now = stamps(house)
    run = store.shadow(model.hash, now.index, now.records)
    said: dict[str, str | int | bool] = {
        "name": model.name,
        "version": model.version,
        "replaces": store.in_use()[:12],
        "lost": accept_lost,
    }
    refusal = _refusal(caller, run, accept_lost)
    house.gate.administer(caller, "model:activate", model.hash, **said, refused=refusal is not None)
    if refusal is not None:
        raise refusal
    assert run is not None  # or it would have been refused
    with house.stores.transaction() as tx:
        store.put(tx, model, caller.subject)
        store.activate(tx, model.hash, caller.subject, accept_lost)
    return run


def _refusal(caller: Caller, run: ShadowRun | None, accept_lost: int) -> NotPermitted | None:
    """What stands in the way, or None."""
    if caller.role not in KEEPERS:
        return NotPermitted("your role does not put models in use", reason="role-not-permitted")
    if run is None:
        sentence = "this model was not tried over the index and the records as they are now: 'gateway link --shadow'"
        return NotPermitted(sentence, reason="shadow-required")
    if run.lost != accept_lost:
        sentence = f"this model loses {run.lost:,} links: look at its shadow run, then say --accept-lost {run.lost}"
        return NotPermitted(sentence, reason="lost-not-accepted")
    return None
