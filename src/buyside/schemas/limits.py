"""Limits on money: what one buy, and all buys committed on one UTC day, may come to (ruling 0.9)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from buyside.schemas.wire import (
    ClosedRequest,
    Currency,
    Given,
    Id,
    Maybe,
    Number,
    Ordinal,
    PositiveAmount,
    Response,
    wrong,
)

Scope = Literal["account", "key", "seller"]


class SpendingLimitInput(ClosedRequest):
    """A limit of scope key names a key, one of scope seller a sales agent, one of scope account neither."""

    scope: Scope
    currency: Currency
    key_id: Given[Ordinal] = None
    sales_agent_id: Given[Id] = None
    largest_buy: Given[PositiveAmount] = None
    per_day: Given[PositiveAmount] = None

    @model_validator(mode="after")
    def _aimed(self) -> Self:
        named = {"key": self.key_id is not None, "seller": self.sales_agent_id is not None}
        if any(given != (scope == self.scope) for scope, given in named.items()):
            raise wrong(
                "limit_scope",
                "keyId goes with scope key, salesAgentId with scope seller, and neither with account",
                at="scope",
            )
        if self.largest_buy is None and self.per_day is None:
            raise wrong("limit_empty", "Give largestBuy, perDay or both", at="largestBuy")
        return self


class SetLimitsBody(ClosedRequest):
    limits: Annotated[list[SpendingLimitInput], Field(max_length=200)]


class SpendingLimit(Response):
    scope: Scope
    currency: str
    key_id: Maybe[int] = None
    sales_agent_id: Maybe[str] = None
    largest_buy: Maybe[Number] = None
    per_day: Maybe[Number] = None


class LimitsResponse(Response):
    limits: list[SpendingLimit]
