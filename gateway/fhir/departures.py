"""Where the PDS surface differs from PDS, as data: for the reference page, and for the test against the stub patients.

`departure_rows` and `field_rows` are the tables of ``docs/reference/http.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Departure(NamedTuple):
    """What PDS does, what is done here, and why."""

    what: str
    pds: str
    here: str
    why: str


_NO_COLUMN: Final = "an index CSV has no column for it; from PDS-shaped JSON it is given as it came"
_MADE: Final = "made here from an index CSV, the same for the same value"
_NOT_SHARED: Final = "no agreement on tracing shares it"

FIELDS: Final[dict[str, str]] = {
    "meta.extension": "says which index vouches for the person, of which day, and how old; PDS has one source",
    "meta.versionId": "counts what changed in an index CSV; from PDS-shaped JSON it is the one that came",
    "multipleBirthInteger": _NO_COLUMN,
    "managingOrganization": _NO_COLUMN,
    "contact": _NOT_SHARED,
    "extension[url!=DeathNotificationStatus]": _NOT_SHARED,
    "name.id": _MADE,
    "name.period": _NO_COLUMN,
    "name.prefix": _NO_COLUMN,
    "name.suffix": _NO_COLUMN,
    "name[use=old].given": "an index CSV has earlier surnames only; the forenames of today stand with them",
    "address[use!=home]": "an index CSV has one address, the home",
    "address.id": _MADE,
    "address.period": _NO_COLUMN,
    "address.extension": "an index CSV has no address keys (PAF, UPRN)",
    "telecom.id": _MADE,
    "telecom.period": _NO_COLUMN,
    "telecom[system=other]": "an index CSV has telephone numbers and e-mail addresses only",
    "generalPractitioner.id": _MADE,
    "generalPractitioner.identifier.period": _NO_COLUMN,
}
"""Where a retrieved Patient differs from that of PDS. A path goes into every item of a list, or into those that
``[name=value]`` picks (the end of the value is enough)."""
FROM_JSON: Final = ("meta.extension", "contact", "extension[url!=DeathNotificationStatus]")
"""Which of these differ too where the index was loaded from PDS-shaped JSON (``index load --format pds-json``)."""

DEPARTURES: Final = (
    Departure(
        "score",
        "a formula that is not published",
        "not fuzzy: the weighted mean of what each parameter comes to (equal 1, a wildcard a half and half of the "
        "share typed, an earlier value a half); fuzzy: the calibrated posterior of the house model, at most 0.9999; "
        "1 in both only where every parameter equals what is held today",
        "four decimals, descending; one more parameter that equals what is held does not lower a score",
    ),
    Departure(
        "fuzzy search",
        "Soundex, exchanged names, history",
        "the house model, which forgives those and more",
        "one set of rules for every surface",
    ),
    Departure(
        "restricted people",
        "not found by postcode or practice",
        "not found by telephone or e-mail either",
        "no evidence of where a restricted person is counts anywhere here",
    ),
    Departure(
        "very restricted people",
        "not said whether a search finds them",
        "read by number only, without name and birth date",
        "a hit by name would give away what the answer withholds",
    ),
    Departure(
        "range of birth dates",
        "no limit is published",
        "ten years with both names whole, two without, one year in a fuzzy search",
        "wider ones are fishing, and fit too many",
    ),
    Departure(
        "very many candidates",
        "not said",
        "`TOO_MANY_MATCHES` where more share a key than are looked at",
        "nobody is left out in silence",
    ),
    Departure(
        "`meta`",
        "no source",
        "extension `checked-against`: source, asOf, ageDays; on a Bundle people and coverage too",
        "the index need not be PDS",
    ),
    Departure("verification status", "always 01", "01 from a PDS index, else 02", "01 is for what PDS confirmed"),
    Departure(
        "`RelatedPerson`",
        "the related people",
        "an empty bundle for everybody in the index; 404 and 400 as for the patient",
        "an index holds none",
    ),
    Departure(
        "`PATCH`, `POST`",
        "by access mode",
        "403 `INVALID_METHOD` in every mode",
        "the index is read-only",
    ),
    Departure("`Coverage`", "served", "404 `UNSUPPORTED_SERVICE`", "no index holds any"),
    Departure(
        "access modes",
        "application, healthcare worker, patient",
        "a system caller is an application, a person a healthcare worker; there is no patient access",
        "the token says which",
    ),
    Departure(
        "`NHSD-Session-URID`, `NHSD-End-User-Organisation-ODS`",
        "role and organisation",
        "the first is held to its form and not used, the second is ignored",
        "role and organisation are the token's",
    ),
    Departure(
        "403 for what no agreement allows",
        "one coding",
        "`ACCESS_DENIED` and, second, the reason code of the decision",
        "staff and support can say what is missing",
    ),
    Departure(
        "`Accept: application/fhir+json; version=1.1`",
        "a newer, cascading search",
        "the same search",
        "its rules are not published",
    ),
    Departure(
        "partial dates",
        "whole dates",
        "a birth or death date that the index holds in part is given in part",
        "a made-up day would be wrong",
    ),
    Departure(
        "`telecom.use`, `systemEffectiveDate` of a death",
        "as recorded",
        "`home`; the day of death",
        "an index CSV has no column for either",
    ),
    Departure("408, 429", "given", "never given", "nothing further back is called, and requests are not counted"),
)


def departure_rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield (what, PDS, here, why) of each departure."""
    yield from DEPARTURES


def field_rows() -> Iterator[tuple[str, str]]:
    """Yield (path, reason) of each field in which a retrieved Patient may differ."""
    yield from FIELDS.items()
