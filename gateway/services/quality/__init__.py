"""How good matching is, and which model does it."""
