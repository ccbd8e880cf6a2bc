"""UTM parameters of landing pages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from buyside.schemas.wire import Given, Request, Response


class UtmParam(Request):
    """`paramValue` is a macro, such as {CAMPAIGN_ID}, or a word."""

    param_key: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,100}$")]
    param_value: Annotated[str, Field(min_length=1, max_length=200)]


UtmParams = Annotated[list[UtmParam], Field(max_length=20)]


class CampaignUtm(Request):
    """Added to what is set, key by key; with `deleteMissing` in its place."""

    params: Given[UtmParams] = None
    delete_missing: Given[bool] = None


class UtmParamShown(Response):
    param_key: str
    param_value: str
    source: Literal["advertiser", "campaign"]
