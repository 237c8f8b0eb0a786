"""Pseudonymised data for analysts: built under an agreement, signed, listed and recorded."""
