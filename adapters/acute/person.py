"""PID, PD1 and MRG of an ADT message as the UK Core Patient, and the identity it is known by at the trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters import ukcore
from adapters.acute.er7 import NULL
from adapters.values import BadField, hl7_date, hl7_instant, nhs_number

if TYPE_CHECKING:
    from adapters.acute.er7 import Message
    from adapters.ukcore import PatientSaid, Resource

SOURCE: Final = "acute"
GENDER: Final = {
    "1": "male",
    "M": "male",
    "2": "female",
    "F": "female",
    "9": "other",
    "I": "other",
    "0": "unknown",
    "U": "unknown",
    "": "unknown",
}
STATUS: Final = {f"NSTS0{digit}": f"0{digit}" for digit in range(1, 9)}
"""PID-32, table 0445 of the NHS ADT specification, to the national status of the same number."""

_LOCAL_TYPES = ("PI", "MR", "CNN", "")
_NAME_USES = {"M": "maiden", "B": "old", "P": "old"}


def told(message: Message, segment: str, number: int, component: int = 1) -> str:
    """Give one component, blank where it is absent or explicitly removed."""
    value = message.value(segment, number, component)
    return "" if value == NULL else value


def organisation_of(message: Message) -> str:
    """Give the sender's ODS code, MSH-4.

    Raises:
        BadField: blank.
    """
    found = told(message, "MSH", 4).upper()
    if not found:
        raise BadField("MSH-4", "blank-mandatory", "blank, and it says who sends the message")
    return found


class Identity:
    """Who a PID-3 or MRG-1 names: the person's number at the trust, and their NHS number where given."""

    def __init__(self, message: Message, segment: str, number: int, organisation: str) -> None:
        """Sort the repeats of an identifier list.

        Raises:
            BadField: no local number, two different NHS numbers, or one that is not well-formed.
        """
        field = f"{segment}-{number}"
        nhs: set[str] = set()
        local: dict[str, str] = {}
        for repeat in message.repeats(segment, number):
            value, authority, kind = ([*repeat, "", "", "", "", ""][place] for place in (0, 3, 4))
            if not value or value == NULL:
                continue
            if kind.upper() == "NH" or authority.upper() == "NHS":
                nhs.add(nhs_number(value, field))
            else:
                # a number of another authority is another numbering, even within the same trust
                own = authority.upper() in {"", organisation, organisation[:3]}
                local.setdefault(kind.upper(), value if own else f"{authority}/{value}")
        if len(nhs) > 1:
            raise BadField(field, "two-nhs-numbers", "names two different NHS numbers")
        self.nhs_number = nhs.pop() if nhs else ""
        self.ref = next((local[kind] for kind in _LOCAL_TYPES if kind in local), "") or next(iter(local.values()), "")
        if not self.ref:
            raise BadField(field, "blank-mandatory", "names no number of the trust's own")


def patient(message: Message, organisation: str, identity: Identity) -> Resource:
    """Make the Patient that a message tells of.

    Raises:
        BadField: the first field that cannot be used.
    """
    gender = told(message, "PID", 8).upper()
    if gender not in GENDER:
        raise BadField("PID-8", "unknown-code", "not a code of administrative sex")
    letter = told(message, "PID", 22).upper()
    official, *others = _names(message)
    said: PatientSaid = {
        "name": official,
        "gender": GENDER[gender],
        "birth_date": hl7_date(told(message, "PID", 7), "PID-7"),
        "deceased": _deceased(message),
        "home": _home(message),
        "contacts": _contacts(message),
        "practice": told(message, "PD1", 3, 3).upper(),
        "extensions": [ukcore.ethnicity(letter, "")] if letter else [],
        "restricted": told(message, "PD1", 12).upper() == "Y",
    }
    made = ukcore.patient(
        ukcore.person_id(SOURCE, organisation, identity.ref), _identifiers(message, organisation, identity), **said
    )
    if others:
        made["name"] = [*made.get("name", ()), *others]
    return made


def retired(organisation: str, identity: Identity, survivor: Identity) -> Resource:
    """Make the Patient that an A40 retires: inactive, and replaced by the survivor."""
    made = ukcore.patient(
        ukcore.person_id(SOURCE, organisation, identity.ref),
        [ukcore.local_identifier(SOURCE, organisation, identity.ref)],
        active=False,
    )
    replaced_by = ukcore.reference("Patient", ukcore.person_id(SOURCE, organisation, survivor.ref))
    made["link"] = [{"other": replaced_by, "type": "replaced-by"}]
    return made


def _identifiers(message: Message, organisation: str, identity: Identity) -> list[Resource]:
    made = [ukcore.local_identifier(SOURCE, organisation, identity.ref)]
    if identity.nhs_number:
        status = STATUS.get(told(message, "PID", 32).upper(), "")
        made.insert(0, ukcore.nhs_number(identity.nhs_number, status))
    return made


def _names(message: Message) -> list[Resource]:
    """Give the name to use first, then the maiden and earlier ones."""
    current: list[Resource] = []
    earlier: list[Resource] = []
    for repeat in message.repeats("PID", 5):
        parts = ["" if part == NULL else part for part in [*repeat, *[""] * 7]]
        use = _NAME_USES.get(parts[6].upper(), "official")
        given = [parts[1], *parts[2].split()]
        name = ukcore.human_name(parts[0], given, parts[4], use)
        if use == "official" and not current:
            current.append(name)
        elif use != "official" and len(name) > 1:
            earlier.append(name)
    return [*(current or [{}]), *earlier]


def _deceased(message: Message) -> str | bool:
    stated = message.value("PID", 29)
    if stated == NULL or message.value("PID", 30) == NULL:
        return False
    if stated:
        return hl7_instant(stated, "PID-29")
    return True if told(message, "PID", 30).upper() == "Y" else ""


def _home(message: Message) -> Resource:
    for repeat in message.repeats("PID", 11):
        parts = ["" if part == NULL else part for part in [*repeat, *[""] * 7]]
        if parts[6].upper() in {"", "H"}:
            return ukcore.address(parts[:2], parts[4].upper(), parts[2], parts[3])
    return {}


def _contacts(message: Message) -> list[Resource]:
    phones: list[tuple[str, str]] = []
    email = ""
    for number, use in ((13, "home"), (14, "work")):
        for repeat in message.repeats("PID", number):
            parts = ["" if part == NULL else part for part in [*repeat, *[""] * 4]]
            if "@" in parts[3] or "@" in parts[0]:
                email = email or parts[3] or parts[0]
            # (000)000-0000 stands for blank in some feeds
            elif parts[0].strip(" ()-0"):
                phones.append((parts[0], "mobile" if parts[2].upper() == "CP" else use))
    return ukcore.telecom(phones, email)
