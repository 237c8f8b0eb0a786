"""Fixtures of the tests of the gate."""

from tests.gateway.house_fixtures import (
    county,
    county_made,
    manifest,
    own_county,
    own_town,
    town,
    town_settings,
    watch,
)

__all__ = ["county", "county_made", "manifest", "own_county", "own_town", "town", "town_settings", "watch"]
