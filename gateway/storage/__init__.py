"""The only SQL on the system of record."""
