"""The searches of PDS for one person, and when their answers may be believed.

An application is shown one person or none, so a person is looked for in steps, from all that is known to wildcards for
what may be mistyped. Only where every step that finds somebody finds the same number is it taken; two different ones
end the search. A wildcard step needs a name longer than what it keeps of it. Sources: PDS FHIR API specification, the
sequence recommended for application-restricted access; the national vaccination service's cascade
(``design/nhs-tracing.md`` 2.4 and 7). Wildcards in unattended tracing raise false positives: what they find proposes a
number, and joins nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from linkage.nhs_number import NhsNumber, NotAnNhsNumber
from linkage.person import NotADate, PartialDate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from linkage.person import Demographics

_NAME_KEPT: Final = 3
_POSTCODE_KEPT: Final = 2
_LONGEST: Final = 35


@dataclass(frozen=True, slots=True)
class Query:
    """One search. Texts may end in a wildcard; ``history`` searches earlier names and addresses too."""

    family: str
    given: str
    birth_date: str
    postcode: str = ""
    history: bool = True

    def params(self) -> dict[str, str]:
        """Return the parameters as PDS names them; gender is left out, as its guidance asks."""
        told = {
            "family": self.family,
            "given": self.given,
            "birthdate": f"eq{self.birth_date}",
            "address-postalcode": self.postcode,
        }
        sent = {name: text for name, text in told.items() if text}
        return {**sent, "_history": "true"} if self.history else sent


@dataclass(frozen=True, slots=True)
class Found:
    """What one search found: a Patient, nobody, or ``several``."""

    patient: dict[str, Any] | None = None
    several: bool = False

    @property
    def number(self) -> NhsNumber | None:
        """The number of the person found."""
        try:
            return NhsNumber(str((self.patient or {}).get("id", "")))
        except NotAnNhsNumber:
            return None


class Searching(Protocol):
    """Whatever can look somebody up. Raises UpstreamError when it cannot."""

    def search(self, query: Query) -> Found:
        """Return what one search found."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a cascade came to. ``found`` is who every step that found somebody found; ``steps`` counts the searches.

    ``several``: people too many to tell apart, or two steps that found different ones. ``exact`` where the first step,
    which takes nothing for mistyped, found the person.
    """

    found: Found
    several: bool
    steps: int
    exact: bool


def search(pds: Searching, asked: Demographics) -> Cascade:
    """Look somebody up in steps.

    Raises:
        UpstreamError: PDS cannot answer.
    """
    first = whole(asked)
    if first is None:
        return Cascade(Found(), several=False, steps=0, exact=False)
    hits: list[tuple[bool, Found]] = []
    several, count = False, 0
    for query in _steps(first):
        if not query.history and not several:
            # without history only where history found too many
            continue
        found = pds.search(query)
        count += 1
        several |= found.several
        if found.number is not None:
            hits.append((count == 1, found))
        if len({hit.number for _, hit in hits}) > 1:
            return Cascade(Found(), several=True, steps=count, exact=False)
    if not hits:
        return Cascade(Found(), several=several, steps=count, exact=False)
    return Cascade(hits[0][1], several=False, steps=count, exact=hits[0][0])


def whole(asked: Demographics) -> Query | None:
    """Return the search for all that is known, or None without a surname and a whole date: PDS would refuse it."""
    try:
        born = str(PartialDate.parse(asked.birth_date))
    except NotADate:
        return None
    family, given = _plain(asked.family), _plain(asked.given)
    if not family or len(born) != len("2000-01-01"):
        return None
    return Query(family, given, born, "".join(asked.postcode.split()))


def _steps(first: Query) -> Iterator[Query]:
    yield first
    yield replace(first, history=False)
    postcode = f"{first.postcode[:_POSTCODE_KEPT]}*" if len(first.postcode) > _POSTCODE_KEPT else ""
    given = f"{first.given[:_NAME_KEPT]}*" if len(first.given) > _NAME_KEPT else ""
    if postcode:
        yield replace(first, postcode=postcode)
    if given:
        yield replace(first, given=given)
    if len(first.family) > _NAME_KEPT:
        yield replace(first, family=f"{first.family[:_NAME_KEPT]}*")
    if postcode and given:
        yield replace(first, given=given, postcode=postcode)


def _plain(name: str) -> str:
    """A name as a search may hold it: one that has a wildcard in it is no name."""
    text = " ".join(name.split())
    return "" if "*" in text or len(text) > _LONGEST else text
