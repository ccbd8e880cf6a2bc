from __future__ import annotations

from typing import Any

import pytest

from buyside.domain.constraints import overlay
from buyside.domain.errors import Invalid


@pytest.mark.parametrize(
    ("campaign", "package", "sent"),
    [
        (None, {}, {}),
        ({"channels": ["ctv"], "countries": ["US"], "geo_countries": ["US"]}, {}, {"geo_countries": ["US"]}),
        ({"geo_countries": ["US", "CA"]}, {"geo_countries": ["CA", "MX"]}, {"geo_countries": ["CA"]}),
        (
            {"geo_countries_exclude": ["US"]},
            {"geo_countries_exclude": ["MX", "US"]},
            {"geo_countries_exclude": ["US", "MX"]},
        ),
        ({"language": []}, {"audience_include": ["a"]}, {"audience_include": ["a"]}),
    ],
)
def test_includes_narrow_and_excludes_add_up(
    campaign: dict[str, Any] | None, package: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert overlay(campaign, package) == sent


def test_targeting_outside_the_campaigns_constraints_is_refused_and_never_sent_as_no_limit() -> None:
    with pytest.raises(Invalid) as refused:
        overlay({"geo_countries": ["US"]}, {"geo_countries": ["MX"]})
    assert refused.value.field == "constraints.geo_countries"


def test_metros_and_postal_areas_are_joined_code_by_code_within_their_system() -> None:
    dma, itl = {"system": "nielsen_dma"}, {"system": "uk_itl1"}
    german = {"country": "DE", "system": "plz"}
    campaign = {
        "geo_metros": [{**dma, "values": ["501", "803"]}, {**itl, "values": ["C"]}],
        "geo_metros_exclude": [{**dma, "values": ["602"]}],
        "geo_postal_areas": [{**german, "values": ["10115", "10117"]}],
    }
    own = {
        "geo_metros": [{**dma, "values": ["803", "999"]}],
        "geo_metros_exclude": [{**dma, "values": ["602", "603"]}, {**itl, "values": ["D"]}],
        "geo_postal_areas": [{**german, "values": ["10117"]}, {"country": "AT", "system": "plz", "values": ["1010"]}],
    }
    assert overlay(campaign, own) == {
        "geo_metros": [{**dma, "values": ["803"]}],
        "geo_metros_exclude": [{**dma, "values": ["602", "603"]}, {**itl, "values": ["D"]}],
        "geo_postal_areas": [{**german, "values": ["10117"]}],
    }
    with pytest.raises(Invalid) as refused:
        overlay(campaign, {"geo_metros": [{**dma, "values": ["999"]}]})
    assert refused.value.field == "constraints.geo_metros"


def test_the_frequency_cap_goes_with_the_targeting() -> None:
    cap = {"max_impressions": 3, "per": "devices", "window": {"interval": 1, "unit": "days"}}
    assert overlay(None, {"frequency_cap": {"suppress_minutes": 1}}, cap) == {"frequency_cap": cap}
