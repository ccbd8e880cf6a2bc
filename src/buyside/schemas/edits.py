"""Changes of media buys: in a campaign's update, or of one by its own address. Unknown keys are refused."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from buyside.schemas.buy_goals import BuyGoals
from buyside.schemas.media_buys import BuyerMediaBuy
from buyside.schemas.pacing import PacingPeriodsInput
from buyside.schemas.wire import (
    ClosedRequest,
    End,
    Given,
    Id,
    Maybe,
    Name,
    Number,
    PositiveAmount,
    Response,
    Start,
    Word,
    camel_except,
    read_start,
    snake,
    wrong,
)

Pacing = Literal["even", "asap", "front_loaded"]
Reason = Annotated[str, Field(max_length=1000)]
StartWhen = Annotated[
    Any,
    BeforeValidator(lambda value: value if value == "asap" else read_start(value).astimezone(UTC)),
    WithJsonSchema({"type": "string", "description": "`asap`, or a date and time"}),
]
_SPELLED = ("start_time", "end_time", "optimization_goals", "creative_ids", "updated_reason", "suggestion_id")


class AudienceOverlay(ClosedRequest):
    """Added to what the package targets already."""

    model_config = ConfigDict(alias_generator=snake)

    audience_include: Given[Annotated[list[Id], Field(max_length=1000)]] = None
    audience_exclude: Given[Annotated[list[Id], Field(max_length=1000)]] = None


class MediaBuyPackageChange(ClosedRequest):
    """One package that the seller holds. The budget is gross; `bidPrice: null` takes the bid back."""

    package_id: Id
    budget: Given[PositiveAmount] = None
    pacing: Given[Pacing] = None
    bid_price: Number | None = None
    start_time: Given[Start] = None
    end_time: Given[End] = None
    targeting_overlay: Given[AudienceOverlay] = None


class MediaBuyProductChange(ClosedRequest):
    """One product of a DRAFT media buy. The budget is gross; `bidPrice: null` takes the bid back."""

    product_id: Word
    pricing_option_id: Given[Word] = None
    budget: Given[PositiveAmount] = None
    pacing: Given[Pacing] = None
    bid_price: Number | None = None
    remove: Given[bool] = None


class _Changes(ClosedRequest):
    model_config = ConfigDict(alias_generator=camel_except(*_SPELLED))

    name: Given[Name] = None
    packages: Given[Annotated[list[MediaBuyPackageChange], Field(max_length=1000)]] = None
    products: Given[Annotated[list[MediaBuyProductChange], Field(max_length=1000)]] = None
    start_time: Given[StartWhen] = None
    end_time: Given[End] = None
    optimization_goals: Given[BuyGoals] = None
    creative_ids: Given[Annotated[list[Id], Field(max_length=1000)]] = None
    updated_reason: Given[Reason] = None


class UpdateMediaBuyRequest(_Changes):
    """What is left out stays as it is."""


class MediaBuyAction(_Changes):
    """One media buy of the campaign: changed, canceled at its seller, or archived."""

    media_buy_id: Id
    action: Given[Literal["update", "cancel", "delete"]] = None
    pacing_periods: PacingPeriodsInput | None = None
    suggestion_id: Given[Id] = None
    reason: Given[Reason] = None
    package_ids: Given[Annotated[list[Id], Field(min_length=1, max_length=1000)]] = None

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        given = self.model_fields_set - {"media_buy_id", "action"}
        canceling = {"reason", "package_ids"}
        action = self.action or "update"
        allowed = {"update": given - canceling, "cancel": canceling, "delete": set[str]()}[action]
        for name in sorted(given - allowed):
            alias = type(self).model_fields[name].alias or name
            raise wrong("other_action", f"{alias} does not go with action {action}", at=alias)
        return self


MediaBuyActions = Annotated[list[MediaBuyAction], Field(max_length=1000)]


class UpdateMediaBuyResponse(Response):
    media_buy: BuyerMediaBuy
    warnings: Maybe[list[str]] = None
