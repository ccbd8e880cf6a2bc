"""Frequency caps: how often one person may see an ad."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, ConfigDict, Field

from buyside.schemas.targeting import Duration
from buyside.schemas.wire import Instant, Ordinal, Request, Response, camel_except, snake

TargetLevel = Literal["ADVERTISER", "CAMPAIGN", "CREATIVE"]


class FrequencyCapInput(Request):
    """`maxExposure` is taken for `max_impressions`."""

    model_config = ConfigDict(alias_generator=snake)

    max_impressions: Annotated[Ordinal, Field(validation_alias=AliasChoices("max_impressions", "maxExposure"))]
    window: Duration


FrequencyCapsInput = Annotated[list[FrequencyCapInput], Field(max_length=100)]


class FrequencyCapWindow(Response):
    interval: Ordinal
    unit: Literal["seconds", "minutes", "hours", "days", "campaign"]


class FrequencyCap(Response):
    model_config = ConfigDict(alias_generator=camel_except("max_impressions"))

    id: str
    target_level: TargetLevel
    target_id: str
    max_impressions: Ordinal
    window: FrequencyCapWindow
    created_at: Instant
    updated_at: Instant
    archived_at: Instant | None
