"""What one media buy is optimized for, in AdCP's own spelling. The same models serve requests and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from buyside.schemas.goals import EventType, Metric
from buyside.schemas.wire import Given, Number, OpenRequest, Ordinal, PositiveAmount, Raw, Word, snake, wrong

Unit = Literal["seconds", "minutes", "hours", "days", "campaign"]
Times = Annotated[Number, Field(ge=1)]


class _Goal(OpenRequest):
    model_config = ConfigDict(alias_generator=snake)


class BuyWindow(_Goal):
    interval: Ordinal
    unit: Unit


class BuyTargetFrequency(_Goal):
    min: Given[Times] = None
    max: Given[Times] = None
    window: BuyWindow


class BuyMetricTarget(_Goal):
    kind: Literal["cost_per", "threshold_rate"]
    value: PositiveAmount


class BuyMetricGoal(_Goal):
    kind: Literal["metric"]
    metric: Metric
    reach_unit: Given[Literal["individuals", "households", "devices", "accounts", "cookies", "custom"]] = None
    target_frequency: Given[BuyTargetFrequency] = None
    view_duration_seconds: Given[PositiveAmount] = None
    target: Given[BuyMetricTarget] = None
    priority: Given[Ordinal] = None


class BuyEventSource(_Goal):
    event_source_id: Word
    event_type: EventType
    custom_event_name: Given[str] = None
    value_field: Given[str] = None
    value_factor: Given[Number] = None


class BuyEventTarget(_Goal):
    kind: Literal["cost_per", "per_ad_spend", "maximize_value"]
    value: Given[PositiveAmount] = None

    @model_validator(mode="after")
    def _valued(self) -> BuyEventTarget:
        if (self.value is None) != (self.kind == "maximize_value"):
            raise wrong("target_value", "cost_per and per_ad_spend need a value; maximize_value has none", at="value")
        return self


class BuyAttributionWindow(_Goal):
    post_click: Given[BuyWindow] = None
    post_view: Given[BuyWindow] = None
    model: Given[Literal["last_touch", "first_touch", "linear", "time_decay", "data_driven"]] = None


class BuyEventGoal(_Goal):
    kind: Literal["event"]
    event_sources: Annotated[list[BuyEventSource], Field(min_length=1, max_length=100)]
    target: Given[BuyEventTarget] = None
    attribution_window: Given[BuyAttributionWindow] = None
    priority: Given[Ordinal] = None


class BuyVendorGoal(_Goal):
    kind: Literal["vendor_metric"]
    vendor: Raw
    metric_id: Word
    target: Given[BuyMetricTarget] = None
    priority: Given[Ordinal] = None


BuyGoal = Annotated[BuyMetricGoal | BuyEventGoal | BuyVendorGoal, Field(discriminator="kind")]
BuyGoals = Annotated[list[BuyGoal], Field(max_length=100)]
