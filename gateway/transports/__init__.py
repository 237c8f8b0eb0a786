"""Peers outside: what the gateway asks of other services, and how it copes when they do not answer."""
