"""Storefronts: sellers, the sales agents behind them, and what a probe found. Registering one is an extension."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from buyside.schemas.wire import (
    ClosedRequest,
    Count,
    Given,
    Id,
    Instant,
    Maybe,
    Name,
    Ordinal,
    Raw,
    Request,
    Response,
    WebUrl,
    Word,
    wrong,
)

ProtocolName = Literal["MCP", "A2A"]
VisibilityName = Literal["public", "private"]
ProbeStatusName = Literal["reachable", "unreachable", "not_applicable", "unavailable"]
DisplayStatus = Literal["configuring", "transacting", "archived", "neutral", "paused"]
RoutingType = Literal["DECISIONED", "ROUTED"]
BillingParty = Literal["operator", "agent", "advertiser"]
Provenance = Literal["operator", "registry", "upstream_capabilities", "unknown"]
Coverage = Literal["declared", "partial", "unknown"]
Slug = Annotated[str, Field(min_length=1, max_length=255, pattern="^[a-z0-9][a-z0-9_-]*$")]
SourceIdIn = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.~-]+$")]
Secret = Annotated[str, Field(min_length=1, max_length=8192, pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")]
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "cookie"})


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
        raise PydanticCustomError("header_name", "Not a header that may be set")
    return name


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, Field(max_length=8192, pattern=r"^[\x20-\x7e]*$")]


# ---- requests


class SourceAuth(ClosedRequest):
    """How a sales agent wants to be greeted. `header` names the header that carries the token."""

    type: Literal["bearer", "header", "basic", "none"]
    token: Given[Secret] = None
    header: Given[HeaderName] = None
    username: Given[Annotated[str, Field(min_length=1, max_length=255, pattern="^[^:]*$")]] = None
    password: Given[Annotated[str, Field(max_length=8192)]] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"bearer": ("token",), "header": ("token", "header"), "basic": ("username", "password"), "none": ()}
        missing = [name for name in needs[self.type] if getattr(self, name) is None]
        if missing:
            raise wrong("auth_incomplete", f"{self.type} needs {' and '.join(missing)}", at=missing[0])
        return self


class SourceInput(ClosedRequest):
    """One sales agent. Without a sourceId it gets one."""

    source_id: Given[SourceIdIn] = None
    name: Given[Name] = None
    endpoint_url: WebUrl
    protocol: ProtocolName
    auth: Given[SourceAuth] = None
    headers: Given[Annotated[dict[HeaderName, HeaderValue], Field(max_length=20)]] = None
    billing: Given[Literal["operator", "agent"]] = None
    operator_domain: Given[Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")]] = None


class RegisterStorefrontBody(ClosedRequest):
    name: Name
    platform_id: Given[Slug] = None
    sources: Annotated[list[SourceInput], Field(min_length=1, max_length=20)]


class SourceChange(ClosedRequest):
    """What is left out stays as it is; `auth` replaces the whole credential."""

    source_id: SourceIdIn
    name: Given[Name] = None
    endpoint_url: Given[WebUrl] = None
    protocol: Given[ProtocolName] = None
    auth: Given[SourceAuth] = None
    headers: Given[Annotated[dict[HeaderName, HeaderValue], Field(max_length=20)]] = None
    billing: Given[Literal["operator", "agent"]] = None
    operator_domain: Given[Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")]] = None


class UpdateStorefrontBody(ClosedRequest):
    name: Given[Name] = None
    sources: Given[Annotated[list[SourceChange], Field(max_length=20)]] = None


class CredentialAuth(Request):
    """`jwt`, and no auth at all (OAuth), are in the contract and not supported yet."""

    type: Given[Literal["bearer", "apikey", "api_key", "basic", "jwt"]] = None
    token: Given[Secret] = None
    username: Given[Annotated[str, Field(min_length=1, max_length=255, pattern="^[^:]*$")]] = None
    password: Given[Annotated[str, Field(max_length=8192)]] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"basic": ("username", "password"), "jwt": (), None: ()}.get(self.type, ("token",))
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise wrong("auth_incomplete", f"{self.type} needs {' and '.join(missing)}", at=missing[0])
        return self


class RegisterSourceCredentialsBody(Request):
    account_identifier: Id
    auth: Given[CredentialAuth] = None


# ---- answers


class BuyerStorefrontReadiness(Response):
    can_transact: bool
    effective_status: Literal["archived", "paused", "blocked", "live"]
    blocker_ids: list[str]


class BuyerStorefrontDiscoveryPerformance(Response):
    sample_count: Count
    success_count: Count
    timeout_count: Count
    avg_response_time_ms: Count | None
    max_response_time_ms: Count | None
    last_response_time_ms: Count | None
    last_discovery_at: Instant | None


class CoverageDeclaration(Response):
    channels: list[str]
    countries: list[str]
    accepts_all_countries: bool


class DiscoveryCoverage(Response):
    channels: Coverage
    countries: Coverage


class IdentityProvenance(Response):
    display_name: Provenance
    logo_url: Provenance
    description: Provenance
    website: Provenance
    brand_colors: Provenance


class CoverageProvenance(Response):
    channels: Provenance
    countries: Provenance


class DiscoveryProvenance(Response):
    identity: IdentityProvenance
    coverage: CoverageProvenance
    advertising_policies: Provenance


class _Card(Response):
    storefront_id: str
    platform_id: str
    storefront_kind: Literal["managed", "external_pass_through"]
    display_name: str
    logo_url: str | None
    logo_background: Literal["dark-bg", "light-bg", "transparent-bg"] | None
    description: str | None
    website: str | None
    brand_colors: dict[str, str] | None
    channels: list[str]
    countries: list[str]
    accepts_all_countries: bool
    coverage_declarations: list[CoverageDeclaration]
    coverage: DiscoveryCoverage
    provenance: DiscoveryProvenance


class BuyerDiscoveryCardSummary(_Card):
    has_advertising_policies: bool
    advertising_policies_excerpt: str | None


class DiscoveryCard(_Card):
    advertising_policies: str | None


class _Storefront(Response):
    """What list and detail share. Hosted adapters do not exist here: their keys are always null."""

    id: int
    platform_id: str
    name: str
    status: DisplayStatus
    publisher_domain: str | None
    brand_name: str | None
    logo_url: str | None
    logo_background: str | None
    description: str | None
    website: str | None
    brand_colors: dict[str, str] | None
    display_status: DisplayStatus
    readiness: BuyerStorefrontReadiness
    adapter_provider_type: str | None
    adapter_source_kind: Literal["sales", "creative", "signals", "measurement", "optimization", "composite"] | None
    creative_capabilities: None
    adapter_connection: None
    supported_routing_types: list[RoutingType]
    supported_billing: list[BillingParty]
    discovery_performance: BuyerStorefrontDiscoveryPerformance
    channels: list[str]
    regions: list[str]


class BuyerStorefrontSummary(_Storefront):
    discovery_card: BuyerDiscoveryCardSummary
    source_count: Count
    connected_source_count: Count


class BuyerStorefrontList(Response):
    items: list[BuyerStorefrontSummary]
    total: Count
    has_more: bool
    next_offset: Count | None


class StorefrontPublishers(Response):
    total: Count
    verified: Count
    sample: list[str]


class BuyerStorefrontAccount(Response):
    account_identifier: str
    status: str


class BuyerStorefrontAdcpCapabilities(Response):
    supports_update_media_buy: bool
    supports_create_media_buy: bool
    supports_get_reporting: bool
    supports_sandbox: bool
    extensions: list[str]
    protocols: list[str]
    publisher_domains: Maybe[list[str]] = None
    channels: Maybe[list[str]] = None
    countries: Maybe[list[str]] = None
    countries_complete: bool
    channels_complete: bool
    version: str | None
    reporting_delivery_methods: list[Literal["webhook", "offline"]] | None
    offline_delivery_protocols: list[Literal["s3", "gcs", "azure_blob"]] | None
    capabilities_cached_at: Instant | None


class StorefrontSource(Response):
    """A sales agent of the storefront (extension): where it is, how it answered, what is unusual about it."""

    source_id: str
    sales_agent_id: str
    name: Maybe[str] = None
    endpoint_url: str
    protocol: ProtocolName
    auth_type: Literal["bearer", "header", "basic", "none"]
    billing: Maybe[Literal["operator", "agent"]] = None
    operator_domain: Maybe[str] = None
    probe_status: ProbeStatusName
    probe_message: Maybe[str] = None
    probed_at: Maybe[Instant] = None
    transport: Maybe[ProtocolName] = None
    adcp_versions: Maybe[list[str]] = None
    tools: Annotated[Maybe[dict[str, list[str]]], Field(description="Each tool with the arguments it takes.")] = None
    idempotency_ttl_seconds: Maybe[Count] = None
    quirks: Maybe[list[str]] = None


class BuyerStorefront(_Storefront):
    discovery_card: DiscoveryCard
    publishers: StorefrontPublishers | None
    connected: bool
    requires_credentials: bool
    customer_accounts: list[BuyerStorefrontAccount]
    adcp_capabilities: BuyerStorefrontAdcpCapabilities | None
    visibility: VisibilityName
    sources: list[StorefrontSource]


class BuyerStorefrontCapabilityDetails(Response):
    version: str
    tools: list[str]
    protocols: list[str]
    features: Raw
    publisher_domains: Maybe[list[str]] = None
    channels: Maybe[list[str]] = None
    countries: Maybe[list[str]] = None
    account_resolution: Literal["explicit_account_id", "implicit_from_sync"] | None
    require_operator_auth: bool
    default_billing: str | None
    supported_billings: list[str]
    reporting_delivery_methods: list[Literal["webhook", "offline"]] | None
    sandbox_supported: bool
    synthetic: bool


class BuyerStorefrontCapabilitySource(Response):
    source_id: str
    source_name: str | None
    execution_type: str
    agent_name: str | None
    requires_credentials: bool | None
    probeable: bool
    probe_status: ProbeStatusName
    message: str | None
    capabilities: BuyerStorefrontCapabilityDetails | None


class BuyerStorefrontCapabilitiesResponse(Response):
    storefront_id: Ordinal
    agents: list[BuyerStorefrontCapabilitySource]


class StorefrontPublisher(Response):
    domain: str
    verification: Literal["verified", "declared"]
    property_count: Count | None


class StorefrontPublishersResponse(Response):
    publishers: list[StorefrontPublisher]
    total: Count
    verified_count: Count


class BuyerCredentialSourceRef(Response):
    storefront_id: int
    storefront_name: str
    source_id: str
    source_name: str


class BuyerCredential(Response):
    """A credential without its secret, which is never shown."""

    id: str
    account_identifier: str
    account_type: str
    status: str
    registered_by: str | None
    created_at: Instant
    updated_at: Instant
    sources: list[BuyerCredentialSourceRef]


class BuyerCredentialList(RootModel[list[BuyerCredential]]):
    model_config = ConfigDict(serialize_by_alias=True)


class BuyerCredentialRegistrationResponse(Response):
    id: str
    account_identifier: str
    status: str
    registered_by: str | None
    created_at: Instant


StorefrontStatusFilter = DisplayStatus
PublisherQuery = Annotated[Word, Field(max_length=255)]
