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
