"""Fixtures of the pages' tests."""

from tests.gateway.house_fixtures import county_made, own_county
from tests.gateway.web.front import app, browser, client, house, officer, settings, worker

__all__ = ["app", "browser", "client", "county_made", "house", "officer", "own_county", "settings", "worker"]
