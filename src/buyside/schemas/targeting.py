"""Where and to whom ads are shown: campaign constraints, and the AdCP overlay of one product or package."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from buyside.schemas.wire import (
    Amount,
    Country,
    Given,
    Json,
    JsonObject,
    Number,
    OpenRequest,
    Ordinal,
    Word,
    snake,
    wrong,
)

MetroSystem = Literal["nielsen_dma", "uk_itl1", "uk_itl2", "eurostat_nuts2", "custom"]
FusedPostalSystem = Literal[
    "us_zip",
    "us_zip_plus_four",
    "gb_outward",
    "gb_full",
    "ca_fsa",
    "ca_full",
    "de_plz",
    "fr_code_postal",
    "au_postcode",
    "ch_plz",
    "at_plz",
]
PostalSystem = Literal[
    "postal_code",
    "zip",
    "zip_plus_four",
    "outward",
    "full",
    "fsa",
    "plz",
    "code_postal",
    "postcode",
    "cep",
    "pin",
    "custom",
]
_NEEDS_COUNTRY = frozenset(get_args(PostalSystem))
DevicePlatform = Literal[
    "ios",
    "android",
    "windows",
    "macos",
    "linux",
    "chromeos",
    "tvos",
    "tizen",
    "webos",
    "fire_os",
    "roku_os",
    "unknown",
]
DeviceType = Literal["desktop", "mobile", "tablet", "ctv", "dooh", "unknown"]
Region = Annotated[str, Field(pattern="^[A-Z]{2}-[A-Z0-9]{1,3}$", description="ISO 3166-2, such as US-CA.")]
Language = Annotated[str, Field(pattern="^[a-z]{2}$", description="ISO 639-1.")]
Transport = Literal["walking", "cycling", "driving", "public_transport"]
DurationUnit = Literal["seconds", "minutes", "hours", "days", "campaign"]


class AdcpPart(OpenRequest):
    model_config = ConfigDict(alias_generator=snake)


class MetroArea(AdcpPart):
    system: MetroSystem
    values: list[Word]


class PostalArea(AdcpPart):
    """`country` may be left out only where the system names it."""

    country: Given[Country] = None
    system: Literal[PostalSystem, FusedPostalSystem]
    values: list[Word]

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if self.country is None and self.system in _NEEDS_COUNTRY:
            raise wrong("country_missing", f"{self.system} needs a country", at="country")
        return self


class _Places(AdcpPart):
    geo_countries: Given[list[Country]] = None
    geo_countries_exclude: Given[list[Country]] = None
    geo_regions: Given[list[Region]] = None
    geo_regions_exclude: Given[list[Region]] = None
    geo_metros: Given[list[MetroArea]] = None
    geo_metros_exclude: Given[list[MetroArea]] = None
    geo_postal_areas: Given[list[PostalArea]] = None
    geo_postal_areas_exclude: Given[list[PostalArea]] = None
    language: Given[list[Language]] = None
    device_platform: Given[list[DevicePlatform]] = None
    device_type: Given[list[DeviceType]] = None
    device_type_exclude: Given[list[DeviceType]] = None


class Constraints(_Places):
    """Limits on every buy of a campaign. `countries` is the older name of `geo_countries`: both are kept alike."""

    channels: Given[list[Word]] = None
    countries: Given[Annotated[list[Country], Field(max_length=250)]] = None

    @model_validator(mode="after")
    def _merged(self) -> Self:
        if self.countries:
            self.geo_countries = list(dict.fromkeys([*(self.geo_countries or []), *self.countries]))
        return self


class NamedMetro(AdcpPart):
    code: str
    name: str


class NamedMetros(AdcpPart):
    system: MetroSystem
    values: list[NamedMetro]


class ShownConstraints(Constraints):
    """With the names of the metros, where they are asked for."""

    geo_metro_names: Given[list[NamedMetros]] = None
    geo_metro_names_exclude: Given[list[NamedMetros]] = None


class Duration(AdcpPart):
    interval: Ordinal
    unit: DurationUnit


class Daypart(AdcpPart):
    days: list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]]
    start_hour: Annotated[int, Field(ge=0, le=23)]
    end_hour: Annotated[int, Field(ge=1, le=24)]
    label: Given[str] = None


class ActivationKey(AdcpPart):
    """A segment id, or a key with its value."""

    type: Literal["segment_id", "key_value"]
    segment_id: Given[str] = None
    key: Given[str] = None
    value: Given[str] = None


class Signal(AdcpPart):
    pricing_option_id: Given[str] = None
    signal_agent_segment_id: Given[str] = None
    activation_key: Given[ActivationKey] = None


class SignalGroup(AdcpPart):
    operator: Literal["any", "none"]
    signals: list[Signal]


class SignalGroups(AdcpPart):
    operator: Literal["all"]
    groups: list[SignalGroup]


class SignalRef(AdcpPart):
    scope: Literal["product", "data_provider", "signal_source"]
    signal_id: Word
    data_provider_domain: Given[str] = None
    signal_source_url: Given[str] = None


class SignalId(AdcpPart):
    source: Literal["catalog", "agent"]
    id: Word
    data_provider_domain: Given[str] = None
    agent_url: Given[str] = None


class SignalTarget(AdcpPart):
    signal_ref: Given[SignalRef] = None
    signal_id: Given[SignalId] = None
    value_type: Literal["binary", "categorical", "numeric"]
    value: Given[bool] = None
    values: Given[list[str]] = None
    min_value: Given[Number] = None
    max_value: Given[Number] = None


class FrequencyCap(AdcpPart):
    suppress: Given[Duration] = None
    suppress_minutes: Given[Amount] = None
    max_impressions: Given[Ordinal] = None
    per: Given[Literal["individuals", "households", "devices", "accounts", "cookies", "custom"]] = None
    window: Given[Duration] = None


class ListRef(AdcpPart):
    agent_url: Word
    list_id: Word
    auth_token: Given[str] = None


class AgeRestriction(AdcpPart):
    min: Annotated[int, Field(ge=13, le=99)]
    verification_required: Given[bool] = None
    accepted_methods: Given[
        list[Literal["facial_age_estimation", "id_document", "digital_id", "credit_card", "world_id"]]
    ] = None


class StoreCatchment(AdcpPart):
    catalog_id: Word
    store_ids: Given[list[str]] = None
    catchment_ids: Given[list[str]] = None


class TravelTime(AdcpPart):
    value: Ordinal
    unit: Literal["min", "hr"]


class Radius(AdcpPart):
    value: Number
    unit: Literal["km", "mi", "m"]


class Geometry(AdcpPart):
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Json]


class Proximity(AdcpPart):
    """A point with a travel time or a radius, or a drawn area."""

    lat: Given[Annotated[Number, Field(ge=-90, le=90)]] = None
    lng: Given[Annotated[Number, Field(ge=-180, le=180)]] = None
    label: Given[str] = None
    travel_time: Given[TravelTime] = None
    transport_mode: Given[Transport] = None
    radius: Given[Radius] = None
    geometry: Given[Geometry] = None
    ext: Given[JsonObject] = None


class Keyword(AdcpPart):
    keyword: Word
    match_type: Literal["broad", "phrase", "exact"]
    bid_price: Given[Amount] = None


class NegativeKeyword(AdcpPart):
    keyword: Word
    match_type: Literal["broad", "phrase", "exact"]


class TargetingOverlay(_Places):
    """AdCP's targeting_overlay. Source: AdCP 3.1 core/targeting."""

    daypart_targets: Given[list[Daypart]] = None
    axe_include_segment: Given[str] = None
    axe_exclude_segment: Given[str] = None
    audience_include: Given[list[str]] = None
    audience_exclude: Given[list[str]] = None
    signal_targeting_groups: Given[SignalGroups] = None
    signal_targeting: Given[list[SignalTarget]] = None
    frequency_cap: Given[FrequencyCap] = None
    property_list: Given[ListRef] = None
    collection_list: Given[ListRef] = None
    collection_list_exclude: Given[ListRef] = None
    age_restriction: Given[AgeRestriction] = None
    store_catchments: Given[list[StoreCatchment]] = None
    geo_proximity: Given[list[Proximity]] = None
    keyword_targets: Given[list[Keyword]] = None
    negative_keywords: Given[list[NegativeKeyword]] = None
