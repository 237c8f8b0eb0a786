"""Change detection: where a case system's record and the index say different things, and what is done about it."""
