"""The arguments of each tool, as `tools/list` declares them, and the check against that declaration."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from buyside.sandbox import Doc
from buyside.sandbox.faults import MUTATIONS
from buyside.sandbox.refusals import Refusal

KEY = r"^[A-Za-z0-9_.:-]{16,255}$"
DOMAIN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
STATUSES = ("pending_creatives", "pending_start", "active", "paused", "completed", "rejected", "canceled")
# Left out by sellers that know only part of 3.1 (seen at the Prebid sales agent 2.0.0 over MCP).
UNKNOWN_TO_SOME = {
    "get_products": {"buying_mode", "account"},
    "sync_accounts": {"idempotency_key"},
    "update_media_buy": {"account"},
}

OBJECT: Doc = {"type": "object"}
TEXT: Doc = {"type": "string"}
FLAG: Doc = {"type": "boolean"}
AMOUNT: Doc = {"type": "number", "minimum": 0}
TEXTS: Doc = {"type": "array", "items": TEXT, "minItems": 1}
INSTANT: Doc = {"type": "string", "format": "date-time"}
STATUS: Doc = {"type": "string", "enum": list(STATUSES)}
ACCOUNT: Doc = {
    "type": "object",
    "properties": {
        "account_id": TEXT,
        "brand": {"type": "object", "properties": {"domain": {**TEXT, "pattern": DOMAIN}}, "required": ["domain"]},
        "operator": {**TEXT, "pattern": DOMAIN},
        "sandbox": FLAG,
    },
}
BRAND: Doc = ACCOUNT["properties"]["brand"]
STATUS_FILTER: Doc = {"anyOf": [STATUS, {"type": "array", "items": STATUS, "minItems": 1}]}
PAGINATION: Doc = {
    "type": "object",
    "properties": {"max_results": {"type": "integer", "minimum": 1, "maximum": 100}, "cursor": TEXT},
}


def _list(properties: Doc, *required: str) -> Doc:
    item = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "array", "items": item, "minItems": 1}


ASSIGNMENTS = _list({"creative_id": TEXT, "weight": AMOUNT}, "creative_id")
CREATIVES = _list(
    {
        "creative_id": TEXT,
        "name": TEXT,
        "format_id": OBJECT,
        "format_kind": TEXT,
        "format_option_ref": OBJECT,
        "assets": OBJECT,
    },
    "creative_id",
)
DECLARED = _list({"account": ACCOUNT, "brand": OBJECT, "operator": TEXT, "billing": TEXT, "sandbox": FLAG})
FILTERS: Doc = {
    "type": "object",
    "properties": {
        "delivery_type": {"type": "string", "enum": ["guaranteed", "non_guaranteed"]},
        "exclusivity": TEXT,
        "is_fixed_price": FLAG,
        "pricing_currencies": TEXTS,
        "format_ids": {"type": "array", "items": OBJECT, "minItems": 1},
        "budget_range": {
            "type": "object",
            "properties": {"min": AMOUNT, "max": AMOUNT, "currency": TEXT},
            "required": ["currency"],
        },
        "channels": TEXTS,
        "required_metrics": TEXTS,
    },
}
LIBRARY: Doc = {"type": "object", "properties": {"creative_ids": TEXTS, "statuses": TEXTS}}
_PACKAGE: Doc = {
    "budget": AMOUNT,
    "bid_price": AMOUNT,
    "pacing": {"type": "string", "enum": ["even", "asap", "front_loaded"]},
    "impressions": AMOUNT,
    "start_time": INSTANT,
    "end_time": INSTANT,
    "paused": FLAG,
    "targeting_overlay": OBJECT,
    "optimization_goals": {"type": "array"},
    "creatives": CREATIVES,
    "context": OBJECT,
    "ext": OBJECT,
}
PACKAGES = _list(
    {**_PACKAGE, "product_id": TEXT, "pricing_option_id": TEXT, "format_ids": {"type": "array"},
     "format_option_refs": {"type": "array"}, "creative_assignments": ASSIGNMENTS},
    "product_id", "pricing_option_id", "budget",
)  # fmt: skip
PACKAGE_CHANGES = _list(
    {**_PACKAGE, "package_id": TEXT, "canceled": FLAG, "cancellation_reason": TEXT,
     "creative_assignments": {**ASSIGNMENTS, "minItems": 0}},
    "package_id",
)  # fmt: skip
WEBHOOKS: Doc = {"push_notification_config": OBJECT, "reporting_webhook": OBJECT}

_TOOLS: dict[str, tuple[str, Doc, tuple[str, ...]]] = {
    "get_adcp_capabilities": ("What this seller supports.", {"protocols": TEXTS}, ()),
    "sync_accounts": (
        "Declare the accounts to buy for.",
        {"accounts": DECLARED, "delete_missing": FLAG, "dry_run": FLAG,
         "push_notification_config": OBJECT},
        ("accounts",),
    ),
    "list_accounts": (
        "The accounts declared so far.",
        {"account": ACCOUNT, "status": TEXT, "sandbox": FLAG, "pagination": PAGINATION},
        (),
    ),
    "get_products": (
        "Products and proposals for a brief, all of them (wholesale), or a refined choice.",
        {"buying_mode": {"type": "string", "enum": ["brief", "wholesale", "refine"]}, "brief": TEXT,
         "refine": {"type": "array", "items": OBJECT, "minItems": 1}, "brand": BRAND, "account": ACCOUNT,
         "filters": FILTERS, "fields": TEXTS, "property_list": OBJECT, "time_budget": OBJECT, "catalog": OBJECT,
         "preferred_delivery_types": TEXTS, "if_wholesale_feed_version": TEXT, "pagination": PAGINATION,
         "push_notification_config": OBJECT},
        (),
    ),
    "list_creative_formats": (
        "The creative formats this seller takes.",
        {"format_ids": {"type": "array", "items": OBJECT, "minItems": 1}, "name_search": TEXT, "asset_types": TEXTS,
         "account": ACCOUNT, "pagination": PAGINATION},
        (),
    ),
    "sync_creatives": (
        "Upload creatives and assign them to packages.",
        {"account": ACCOUNT, "creatives": CREATIVES, "creative_ids": TEXTS,
         "assignments": {"anyOf": [{"type": "array"}, OBJECT]}, "delete_missing": FLAG, "dry_run": FLAG,
         "validation_mode": {"type": "string", "enum": ["strict", "lenient"]}, "push_notification_config": OBJECT},
        ("account", "creatives"),
    ),
    "list_creatives": (
        "The creatives uploaded so far.",
        {"account": ACCOUNT, "filters": LIBRARY, "include_assignments": FLAG, "pagination": PAGINATION},
        (),
    ),
    "create_media_buy": (
        "Buy packages, or a proposal.",
        {"account": ACCOUNT, "brand": BRAND, "packages": PACKAGES, "proposal_id": TEXT, "name": TEXT,
         "total_budget": {"type": "object", "properties": {"amount": AMOUNT, "currency": TEXT},
                          "required": ["amount", "currency"]},
         "start_time": TEXT, "end_time": INSTANT, "paused": FLAG, "po_number": TEXT, "pacing": TEXT,
         "invoice_recipient": OBJECT, "io_acceptance": OBJECT, "artifact_webhook": OBJECT, **WEBHOOKS},
        ("account", "brand", "start_time", "end_time"),
    ),
    "update_media_buy": (
        "Change, pause, resume or cancel a media buy.",
        {"account": ACCOUNT, "media_buy_id": TEXT, "revision": {"type": "integer", "minimum": 1}, "paused": FLAG,
         "canceled": FLAG, "cancellation_reason": TEXT, "start_time": TEXT, "end_time": INSTANT,
         "packages": PACKAGE_CHANGES, "new_packages": PACKAGES, "invoice_recipient": OBJECT, **WEBHOOKS},
        ("account", "media_buy_id"),
    ),
    "get_media_buys": (
        "Media buys and how they stand. Without ids and without a status: the active ones.",
        {"account": ACCOUNT, "media_buy_ids": TEXTS, "status_filter": STATUS_FILTER, "include_snapshot": FLAG,
         "include_history": {"type": "integer", "minimum": 0, "maximum": 1000}, "include_webhook_activity": FLAG,
         "webhook_activity_limit": {"type": "integer", "minimum": 1}, "pagination": PAGINATION},
        (),
    ),
    "get_media_buy_delivery": (
        "What was delivered, by package and day. start_date is included, end_date is not.",
        {"account": ACCOUNT, "media_buy_ids": TEXTS, "status_filter": STATUS_FILTER, "start_date": TEXT,
         "end_date": TEXT, "include_package_daily_breakdown": FLAG, "time_granularity": TEXT,
         "include_window_breakdown": FLAG, "reporting_dimensions": OBJECT, "attribution_window": OBJECT},
        (),
    ),
    "get_task_status": (
        "How a submitted task stands.",
        {"task_id": TEXT, "account": ACCOUNT, "include_history": FLAG, "include_result": FLAG},
        ("task_id",),
    ),
    "list_tasks": ("The tasks of this caller.", {"account": ACCOUNT, "filters": OBJECT, "pagination": PAGINATION}, ()),
}  # fmt: skip
_TOOLS["tasks/get"] = _TOOLS["get_task_status"]
TOOL_NAMES = tuple(_TOOLS)


def schema(tool: str, *, narrow: bool = False, keys: bool = True) -> Doc:
    """The inputSchema. `narrow`: without the version fields and what some sellers do not know, and closed."""
    _, own, required = _TOOLS[tool]
    properties: Doc = {**own, "context": OBJECT, "ext": OBJECT}
    if narrow:
        left_out = UNKNOWN_TO_SOME.get(tool, set())
        properties = {name: part for name, part in properties.items() if name not in left_out}
        required = tuple(name for name in required if name not in left_out)
    else:
        left_out = set()
        properties |= {"adcp_version": TEXT, "adcp_major_version": {"type": "integer", "minimum": 1, "maximum": 99}}
    if tool in MUTATIONS and "idempotency_key" not in left_out:
        properties["idempotency_key"] = {"type": "string", "pattern": KEY}
        required = (*required, "idempotency_key") if keys else required
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": not narrow,
    }


def description(tool: str) -> str:
    return _TOOLS[tool][0]


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, Decimal),
}


def check(tool: str, arguments: Doc, declared: Doc) -> None:
    """Raises: Refusal VALIDATION_ERROR, naming the first field and listing all issues."""
    if not declared["additionalProperties"]:
        for name in arguments:
            if name not in declared["properties"]:
                text = f"1 validation error for call[{tool}]: {name}: Unexpected keyword argument"
                raise Refusal("VALIDATION_ERROR", text, field=name)
    given = {name: value for name, value in arguments.items() if value is not None}
    issues = _issues(given, declared, "")
    if issues:
        first = issues[0]
        field = first["pointer"].strip("/").replace("/", ".")
        raise Refusal("VALIDATION_ERROR", f"{field}: {first['message']}", field=field, issues=issues)


def _issue(pointer: str, keyword: str, message: str) -> Doc:
    return {"pointer": pointer, "keyword": keyword, "message": message}


def _issues(value: Any, declared: Doc, at: str) -> list[Doc]:
    if "anyOf" in declared:
        tries = [_issues(value, option, at) for option in declared["anyOf"]]
        return [] if any(not found for found in tries) else tries[0]
    wanted = declared.get("type")
    if wanted and (not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean")):
        return [_issue(at, "type", f"must be of type {wanted}")]
    if isinstance(value, dict):
        return _object_issues(value, declared, at)
    if isinstance(value, list):
        return _array_issues(value, declared, at)
    return _scalar_issues(value, declared, at)


def _object_issues(value: Doc, declared: Doc, at: str) -> list[Doc]:
    missing = [name for name in declared.get("required", ()) if value.get(name) is None]
    found = [_issue(f"{at}/{name}", "required", "is required") for name in missing]
    for name, part in declared.get("properties", {}).items():
        if value.get(name) is not None:
            found += _issues(value[name], part, f"{at}/{name}")
    return found


def _array_issues(value: list[Any], declared: Doc, at: str) -> list[Doc]:
    if len(value) < declared.get("minItems", 0):
        return [_issue(at, "minItems", "must not be empty")]
    item = declared.get("items", {})
    return [issue for index, part in enumerate(value) for issue in _issues(part, item, f"{at}/{index}")]


def _scalar_issues(value: Any, declared: Doc, at: str) -> list[Doc]:
    if "enum" in declared and value not in declared["enum"]:
        return [_issue(at, "enum", f"must be one of {', '.join(declared['enum'])}")]
    if "pattern" in declared and not re.search(declared["pattern"], value):
        return [_issue(at, "pattern", f"must match {declared['pattern']}")]
    if "minimum" in declared and value < declared["minimum"]:
        return [_issue(at, "minimum", f"must be at least {declared['minimum']}")]
    if "maximum" in declared and value > declared["maximum"]:
        return [_issue(at, "maximum", f"must be at most {declared['maximum']}")]
    return []
