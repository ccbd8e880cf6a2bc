"""What a seller that writes every field sends: null where it has nothing to say (seen at the Prebid agent 2.0.0)."""

from __future__ import annotations

from typing import Any

from buyside.sandbox import Doc

_ANYWHERE = ("errors", "context", "ext", "message", "adcp_error", "task_id", "replayed", "governance_context")
_TOOLS = {
    "create_media_buy": ("creative_deadline", "invoice_recipient", "planned_delivery", "available_actions"),
    "update_media_buy": ("implementation_date", "affected_packages", "invoice_recipient", "available_actions"),
    "get_products": ("proposals", "incomplete", "refinement_applied", "filter_diagnostics", "unchanged"),
    "sync_creatives": ("dry_run",),
    "sync_accounts": ("dry_run",),
    "get_task_status": ("result", "error", "completed_at", "history", "progress"),
    "get_media_buy_delivery": ("partial_data", "aggregated_totals", "attribution_window"),
}
_ROWS = {
    "packages": (
        "bid_price", "pacing", "impressions", "targeting_overlay", "optimization_goals", "creative_deadline",
        "price_breakdown", "cancellation", "context", "ext", "snapshot", "format_kind",
    ),
    "affected_packages": ("bid_price", "pacing", "impressions", "targeting_overlay", "context", "ext"),
    "media_buys": ("context", "cancellation", "rejection_reason", "history", "health", "creative_deadline", "ext"),
    "products": ("forecast", "placements", "creative_policy", "expires_at", "product_card", "brief_relevance"),
    "pricing_options": ("fixed_price", "floor_price", "price_guidance", "max_bid", "price_breakdown"),
    "creatives": ("errors", "warnings", "changes", "assigned_to", "assignment_errors", "preview_url", "platform_id"),
    "accounts": ("errors", "warnings", "setup", "payment_terms", "credit_limit", "billing_entity"),
    "by_package": ("clicks", "completed_views", "conversions", "pacing_index", "by_creative", "daily_breakdown"),
    "media_buy_deliveries": ("pricing_model", "daily_breakdown", "windows", "finalized_at"),
}  # fmt: skip


def filled(tool: str, answer: Doc) -> Doc:
    """The answer, with null for every field that it could have and has not."""
    root = {name: None for name in (*_ANYWHERE, *_TOOLS.get(tool, ()))}
    rows = _rows(answer)
    assert isinstance(rows, dict)
    return root | rows


def _rows(value: Any, names: tuple[str, ...] = ()) -> Any:
    if isinstance(value, list):
        return [_rows(part, names) for part in value]
    if isinstance(value, dict):
        own = {name: _rows(part, _ROWS.get(name, ())) for name, part in value.items() if name != "context"}
        kept = {"context": value["context"]} if "context" in value else {}
        return {name: None for name in names} | own | kept
    return value
