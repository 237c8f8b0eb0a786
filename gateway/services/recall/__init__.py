"""Recall after a wrong link: whoever received it is found in the ledger, told, and asked to say that they heard."""
