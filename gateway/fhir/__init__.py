"""HTTP FHIR: the PDS-shaped Patient, a person's joined record, and errors as OperationOutcome."""
