"""Data delivery: which data goes where, and how often."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from buyside.schemas.wire import Given, Instant, Maybe, Request, Response, wrong

DataDeliveryType = Literal["MB_DELIVERY", "IMPRESSIONS", "CLICKS", "VAST_EVENTS", "CAPI_ATTRIBUTION", "MMP_POSTBACKS"]
Cadence = Literal["HOURLY", "DAILY", "WEEKLY"]
Destination = Literal["GCS", "S3", "AZURE_BLOB"]
FileFormat = Literal["JSONL", "PARQUET", "CSV"]
CredentialName = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-zA-Z0-9][a-zA-Z0-9_-]*$")]
Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Sunday.")]


class DeliveryConfigInput(Request):
    """`pathPrefix` may hold {YYYY}, {MM}, {DD}, {HH} and {DATA_DELIVERY_TYPE}."""

    type: Destination
    path_prefix: Annotated[str, Field(max_length=1024)] = ""
    format: FileFormat = "JSONL"


class DataDeliveryOutputInput(Request):
    data_delivery_type: DataDeliveryType
    cadence: Cadence
    sync_weekly_day: Given[Weekday] = None
    enabled: bool = True
    credential_name: CredentialName
    delivery_config: DeliveryConfigInput

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if self.cadence == "WEEKLY" and self.sync_weekly_day is None:
            raise wrong("weekly_day", "cadence WEEKLY needs syncWeeklyDay", at="syncWeeklyDay")
        return self


class DataDeliveryInput(Request):
    """`outputs` replaces all that are set here; an empty list clears them."""

    outputs: Given[Annotated[list[DataDeliveryOutputInput], Field(max_length=20)]] = None


class DeliveryConfig(Response):
    type: Destination
    path_prefix: str
    format: FileFormat


class DataDeliveryOutput(Response):
    output_config_id: str
    data_delivery_type: DataDeliveryType
    cadence: Cadence
    sync_weekly_day: Maybe[Weekday] = None
    enabled: bool
    credential_id: str
    credential_name: str
    delivery_config: DeliveryConfig
    source: Literal["advertiser", "campaign"]
    created_at: Instant
    updated_at: Instant


class DataDelivery(Response):
    """What holds here: a campaign's own outputs hide its advertiser's of the same type."""

    outputs: list[DataDeliveryOutput]
