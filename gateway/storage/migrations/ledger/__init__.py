"""The ledger database's migrations."""
