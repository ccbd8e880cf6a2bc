"""Creatives: a name, a format, and assets. Snake_case throughout, as the contract has it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from buyside.schemas.targeting import AdcpPart
from buyside.schemas.wire import Count, Given, Id, Instant, Maybe, Name, Ordinal, Request, Response, WebUrl, Word, snake

AssetType = Literal[
    "IMAGE", "VIDEO", "AUDIO", "HTML", "JAVASCRIPT", "CSS", "TEXT", "URL", "VAST", "FONT", "LOGO", "DOCUMENT"
]
UrlType = Literal["clickthrough", "tracker_pixel", "tracker_script", "vast"]


class UrlAssetInput(AdcpPart):
    url: WebUrl
    url_type: UrlType


class FormatIdInput(AdcpPart):
    """A creative format as a sales agent names it."""

    agent_url: Annotated[Word, Field(max_length=2048)]
    id: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]+$", max_length=255)]
    width: Given[Ordinal] = None
    height: Given[Ordinal] = None
    duration_ms: Given[Ordinal] = None


class CreateCreativeManifestMetadata(Request):
    """All of it may be left out: a creative without a name gets one. `brandAgentId` is taken and means nothing here."""

    model_config = ConfigDict(alias_generator=snake)

    name: Given[Name] = None
    message: Given[Annotated[str, Field(min_length=1, max_length=5000)]] = None
    url_asset: Given[UrlAssetInput] = None
    format_id: Given[FormatIdInput] = None
    template_id: Given[Id] = None
    brand_agent_id: Annotated[Given[str], Field(alias="brandAgentId")] = None


class CreativeFormatId(Response):
    model_config = ConfigDict(alias_generator=snake)

    id: str
    agent_url: str
    width: Maybe[Ordinal] = None
    height: Maybe[Ordinal] = None
    duration_ms: Maybe[Ordinal] = None


class ManifestAssetResponse(Response):
    model_config = ConfigDict(alias_generator=snake)

    asset_id: str
    name: str
    original_filename: str
    asset_type: AssetType
    content_type: str
    file_size: Count
    public_url: str
    asset_source: Literal["CREATIVE_SOURCE", "USER_UPLOADED", "SYSTEM_PROCESSED"]
    slot_asset_id: Maybe[str] = None
    created_at: Instant


class CreativeManifestSyncStatus(Response):
    model_config = ConfigDict(alias_generator=snake)

    synced: bool
    agent_count: Count
    last_synced_at: Maybe[Instant] = None


class CreativeSummarySyncStatus(Response):
    model_config = ConfigDict(alias_generator=snake)

    synced: bool
    agent_count: Count


class CreativeManifestPlatformLink(Response):
    """What one sales agent made of the creative."""

    model_config = ConfigDict(alias_generator=snake)

    agent_id: str
    agent_name: str
    platform_id: Maybe[str] = None
    status: str
    approval_status: Maybe[str] = None
    synced_at: Maybe[Instant] = None


class _Manifest(Response):
    model_config = ConfigDict(alias_generator=snake)

    creative_id: str
    name: str
    campaign_id: Maybe[str] = None
    format_id: Maybe[CreativeFormatId] = None
    template_id: Maybe[str] = None
    brand_domain: Maybe[str] = None
    target_format_ids: Maybe[list[CreativeFormatId]] = None
    platform_links: Maybe[list[CreativeManifestPlatformLink]] = None
    created_at: Instant
    updated_at: Instant


class CreativeManifestResponse(_Manifest):
    advertiser_id: Maybe[str] = None
    message: Maybe[str] = None
    assets: list[ManifestAssetResponse]
    sync_status: Maybe[CreativeManifestSyncStatus] = None
    already_exists: Maybe[bool] = None
    ignored_files: Maybe[Count] = None
    warnings: Maybe[list[str]] = None


class CreativeManifestSummary(_Manifest):
    asset_count: Count
    primary_asset_type: Maybe[AssetType] = None
    sync_status: Maybe[CreativeSummarySyncStatus] = None


class CreativeManifestListResponse(Response):
    manifests: list[CreativeManifestSummary]
    total: Count
