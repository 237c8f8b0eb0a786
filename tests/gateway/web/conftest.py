"""Fixtures of the pages' tests."""

from tests.gateway.web.front import app, browser, client, house, officer, settings, worker

__all__ = ["app", "browser", "client", "house", "officer", "settings", "worker"]
