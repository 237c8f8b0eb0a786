"""The gateway database's migrations."""
