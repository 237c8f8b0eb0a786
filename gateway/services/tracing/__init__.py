"""Finding and verifying NHS numbers: one person at a desk, a search from another system, or a file overnight."""
