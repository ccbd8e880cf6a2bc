"""What a campaign is optimized for. The same models serve requests and answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from buyside.schemas.wire import Given, Number, Ordinal, PositiveAmount, Request, Word, wrong

EventType = Literal[
    "page_view",
    "view_content",
    "select_content",
    "select_item",
    "search",
    "share",
    "add_to_cart",
    "remove_from_cart",
    "viewed_cart",
    "add_to_wishlist",
    "initiate_checkout",
    "add_payment_info",
    "purchase",
    "refund",
    "lead",
    "qualify_lead",
    "close_convert_lead",
    "disqualify_lead",
    "complete_registration",
    "subscribe",
    "follow",
    "content_view",
    "watch_milestone",
    "start_trial",
    "app_install",
    "app_launch",
    "contact",
    "schedule",
    "donate",
    "submit_application",
    "custom",
]
Metric = Literal[
    "clicks",
    "views",
    "completed_views",
    "viewed_seconds",
    "attention_seconds",
    "attention_score",
    "engagements",
    "follows",
    "saves",
    "profile_visits",
    "reach",
]


class GoalEventSource(Request):
    event_source_id: Word
    event_type: EventType
    custom_event_name: Given[str] = None
    value_field: Given[str] = None
    value_factor: Given[Number] = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.event_type == "custom" and not self.custom_event_name:
            raise wrong("custom_event", "eventType custom needs customEventName", at="customEventName")
        return self


class EventGoalTarget(Request):
    kind: Literal["cost_per", "per_ad_spend", "maximize_value"]
    value: Given[PositiveAmount] = None

    @model_validator(mode="after")
    def _valued(self) -> Self:
        if (self.value is None) != (self.kind == "maximize_value"):
            raise wrong("target_value", "cost_per and per_ad_spend need a value; maximize_value has none", at="value")
        return self


class AttributionSpan(Request):
    interval: Ordinal
    unit: Literal["minutes", "hours", "days", "campaign"]


class OptimizationAttributionWindow(Request):
    post_click: AttributionSpan
    post_view: Given[AttributionSpan] = None


class EventGoal(Request):
    kind: Literal["event"]
    event_sources: Annotated[list[GoalEventSource], Field(min_length=1)]
    target: Given[EventGoalTarget] = None
    attribution_window: Given[OptimizationAttributionWindow] = None
    priority: Given[Ordinal] = None

    @model_validator(mode="before")
    @classmethod
    def _without_old_window(cls, data: object) -> object:
        # The manual's older form, {"clickThrough": "7d"}, is tolerated and dropped (interchange.md 2.8).
        window = data.get("attributionWindow") if isinstance(data, dict) else None
        if isinstance(data, dict) and isinstance(window, dict) and "clickThrough" in window:
            return {key: value for key, value in data.items() if key != "attributionWindow"}
        return data

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        per_spend = self.target is not None and self.target.kind == "per_ad_spend"
        if per_spend and any(not source.value_field for source in self.event_sources):
            raise wrong("value_field", "per_ad_spend needs valueField on every event source", at="eventSources")
        return self


class MetricGoalTarget(Request):
    kind: Literal["cost_per", "threshold_rate"]
    value: PositiveAmount


class MetricGoal(Request):
    kind: Literal["metric"]
    metric: Metric
    view_duration_seconds: Given[PositiveAmount] = None
    target: Given[MetricGoalTarget] = None
    priority: Given[Ordinal] = None


OptimizationGoal = Annotated[EventGoal | MetricGoal, Field(discriminator="kind")]


class PerformanceConfig(Request):
    optimization_goals: Annotated[list[OptimizationGoal], Field(min_length=1, max_length=100)]
