"""Fixtures of the tests of tokens and sessions."""

from tests.gateway.web.front import app, browser, client, house, settings

__all__ = ["app", "browser", "client", "house", "settings"]
