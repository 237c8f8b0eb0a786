"""What must hold of a resource before it is stored or sent: structure by FHIR R4, and the house rules above it.

UK Core lets pass a number under a misspelt system, without a status, or with a wrong check digit: those three
are ours to find. Structure is checked with the R4B models of ``fhir.resources``, whose elements are those of R4
for every resource in use here; they do not look at required bindings or invariants.
"""

from adapters.validate.check import Issue, Severity, check

__all__ = ["Issue", "Severity", "check"]
