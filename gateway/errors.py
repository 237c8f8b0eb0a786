"""Every way the gateway can say no, and who is asked to do something about it.

    GatewayError
    ├── InputError      the caller sent something impossible; mend it and send again
    ├── NotPermitted    no agreement allows it; nothing was read
    │   └── NotSignedIn nobody is known to be asking
    ├── NotFound        there is no such thing, or none that this caller may know of
    ├── Conflict        the house has moved on since the caller looked
    ├── Unavailable     storage, ledger or index cannot serve just now; nothing left
    └── UpstreamError   a service we asked did not answer as it should

Each leaf knows its HTTP status, its FHIR issue code (R4 value set issue-type), its exit code (DESIGN section 9) and a
sentence for staff. Messages name fields and rules and never carry a person's data.
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """The root. ``str(error)`` is safe to show to whoever asked."""

    status: ClassVar[int] = 500
    fhir_code: ClassVar[str] = "exception"
    exit_code: ClassVar[int] = 4
    staff_sentence: ClassVar[str] = "Something went wrong. Nothing was shown or changed."

    def __init__(self, message: str = "", *, reason: str = "") -> None:
        super().__init__(message or self.staff_sentence)
        self.reason = reason or self.fhir_code


class InputError(GatewayError):
    """What was sent cannot be right; ``field`` says where."""

    status = 400
    fhir_code = "invalid"
    exit_code = 2
    staff_sentence = "Check what you entered and try again."

    def __init__(self, message: str = "", *, reason: str = "", field: str = "") -> None:
        super().__init__(message, reason=reason)
        self.field = field


class NotPermitted(GatewayError):
    """No agreement allows it. ``decision`` identifies the ledger row that recorded the refusal."""

    status = 403
    fhir_code = "forbidden"
    exit_code = 3
    staff_sentence = "No information sharing agreement allows this."

    def __init__(self, message: str = "", *, reason: str = "", decision: str = "") -> None:
        super().__init__(message, reason=reason)
        self.decision = decision


class NotSignedIn(NotPermitted):
    """Nobody is known to be asking: no token, an expired one, or one that is not ours."""

    status = 401
    fhir_code = "login"
    staff_sentence = "Sign in to continue."


class NotFound(GatewayError):
    """There is no such thing, or none that this caller may know of."""

    status = 404
    fhir_code = "not-found"
    exit_code = 1
    staff_sentence = "Nothing was found."


class Conflict(GatewayError):
    """The house has moved on since the caller looked, or the thing exists already."""

    status = 409
    fhir_code = "conflict"
    exit_code = 2
    staff_sentence = "This has changed since you looked. Look again before you decide."


class Unavailable(GatewayError):
    """Storage, ledger or index cannot serve just now. Nothing left the building."""

    status = 503
    fhir_code = "transient"
    exit_code = 4
    staff_sentence = "The service cannot answer just now. Nothing was shown. Try again in a few minutes."


class UpstreamError(GatewayError):
    """A service that the gateway asked did not answer as its specification says."""

    status = 502
    fhir_code = "transient"
    exit_code = 4
    staff_sentence = "A national service did not answer. Try again later."
