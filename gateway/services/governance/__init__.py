"""Agreements, callers, facts and the ledger: who may see what, and the proof of who did."""
