"""Fixtures of the pages' tests."""

from tests.gateway.house_fixtures import county_made, own_county, own_town, town_settings
from tests.gateway.web.front import app, browser, client, house, officer, settings, worker

__all__ = [
    "app",
    "browser",
    "client",
    "county_made",
    "house",
    "officer",
    "own_county",
    "own_town",
    "settings",
    "town_settings",
    "worker",
]
