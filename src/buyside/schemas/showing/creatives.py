from __future__ import annotations

from typing import Any

from buyside.domain.creatives import FormatRef
from buyside.schemas import creatives as wire
from buyside.services.creatives import CreativeView


def creative(view: CreativeView) -> wire.CreativeManifestResponse:
    reviews = view.creative.reviews.values()
    return wire.CreativeManifestResponse(
        **_core(view),
        advertiser_id=str(view.creative.advertiser_id),
        message=view.creative.spec.message,
        assets=_assets(view),
        sync_status=wire.CreativeManifestSyncStatus(
            synced=_synced(view),
            agent_count=view.synced,
            last_synced_at=max((r.at for r in reviews), default=None),
        ),
        already_exists=True if view.already_exists else None,
        ignored_files=0 if view.already_exists else None,
        warnings=[_ignored(view)] if view.not_kept else None,
    )


def _ignored(view: CreativeView) -> str:
    words = ", ".join(view.not_kept)
    name = view.creative.spec.name
    return f"There is a creative {name!r} already, with another {words}: what was sent was not stored."


def summary(view: CreativeView) -> wire.CreativeManifestSummary:
    assets = _assets(view)
    return wire.CreativeManifestSummary(
        **_core(view),
        asset_count=len(assets),
        primary_asset_type=assets[0].asset_type if assets else None,
        sync_status=wire.CreativeSummarySyncStatus(synced=_synced(view), agent_count=view.synced),
    )


def _assets(view: CreativeView) -> list[wire.ManifestAssetResponse]:
    """An address is an asset that is kept elsewhere: nothing of it is stored here."""
    creative = view.creative
    if (asset := creative.spec.url_asset) is None:
        return []
    return [
        wire.ManifestAssetResponse(
            asset_id=f"{creative.id}_url",
            name=asset["url_type"],
            original_filename=asset["url"],
            asset_type="VAST" if asset["url_type"] == "vast" else "URL",
            content_type="text/uri-list",
            file_size=0,
            public_url=asset["url"],
            asset_source="USER_UPLOADED",
            created_at=creative.created_at,
        )
    ]


def _synced(view: CreativeView) -> bool:
    """Every agent that the campaign buys from has it."""
    return view.agent_count > 0 and view.synced >= view.agent_count


def _core(view: CreativeView) -> dict[str, Any]:
    spec = view.creative.spec
    return {
        "creative_id": view.creative.id,
        "name": spec.name,
        "campaign_id": view.creative.campaign_id,
        "format_id": _format(spec.format_id) if spec.format_id else None,
        "template_id": spec.template_id,
        "brand_domain": view.brand_domain,
        "target_format_ids": [_format(f) for f in view.target_formats] or None,
        "created_at": view.creative.created_at,
        "updated_at": view.creative.updated_at,
    }


def _format(form: FormatRef) -> wire.CreativeFormatId:
    return wire.CreativeFormatId(
        id=str(form["id"]),
        agent_url=str(form["agent_url"]),
        width=form.get("width"),
        height=form.get("height"),
        duration_ms=form.get("duration_ms"),
    )
