"""What a seller declares: get_adcp_capabilities, read into a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.connectors.adcp.mapping.requests import SPOKEN
from buyside.connectors.adcp.reading import count, flag, mapping, text, texts
from buyside.domain.storefronts import Protocol, SellerProfile, Shape

_TOOLS = """
get_adcp_capabilities get_products create_media_buy update_media_buy get_media_buys get_media_buy_delivery
sync_creatives list_creatives list_creative_formats sync_accounts list_accounts get_task_status tasks_get tasks/get
"""
BUYER_TOOLS = frozenset(_TOOLS.split())
_WRITES = ("create_media_buy", "update_media_buy", "sync_creatives", "sync_accounts")


LONGEST_MEMORY = 30 * 86_400
"""Seconds. The longest that AdCP lets a seller promise is a week; beyond a month nothing is believed."""


def declared(
    transport: Protocol,
    endpoint: str,
    protocol_version: str,
    tools: Mapping[str, Shape],
    capabilities: Mapping[str, Any],
    quirks: tuple[str, ...],
) -> SellerProfile:
    adcp, account = mapping(capabilities, "adcp"), mapping(capabilities, "account")
    ttl = _replay_ttl(mapping(adcp, "idempotency"))
    versions = texts(adcp, "supported_versions")
    profile = SellerProfile(
        transport=transport,
        endpoint=endpoint,
        protocol_version=protocol_version,
        versions=versions,
        tools=tools,
        replay_ttl=ttl,
        requires_account_id=flag(account, "require_operator_auth") is True,
        billing=texts(account, "supported_billing"),
        sandbox=flag(account, "sandbox") is True,
        capabilities=capabilities,
    )
    return _with(profile, (*quirks, *_quirks(profile)))


def _with(profile: SellerProfile, quirks: tuple[str, ...]) -> SellerProfile:
    values = {name: getattr(profile, name) for name in profile.__dataclass_fields__}
    return SellerProfile(**{**values, "quirks": quirks})


def _replay_ttl(idempotency: Mapping[str, Any]) -> int | None:
    """Never assumed: a seller that does not say how long it remembers a key gets each write once (ruling 0.3)."""
    if flag(idempotency, "supported") is False:
        return None
    return min(count(idempotency, "replay_ttl_seconds") or 0, LONGEST_MEMORY) or None


def _quirks(profile: SellerProfile) -> list[str]:
    found = []
    capabilities = profile.capabilities
    if capabilities and not profile.versions:
        build = text(mapping(capabilities, "adcp"), "build_version")
        found.append(f"It declares no AdCP releases{f' (build {build})' if build else ''}; we treat it as 3.0.")
    elif profile.versions and not any(each in SPOKEN for each in profile.versions):
        found.append(f"It declares AdCP {', '.join(profile.versions[:5])}; we speak 3.0 to it.")
    if capabilities and profile.replay_ttl is None:
        found.append("It does not say how long it remembers a request key: each write is sent once, never repeated.")
    found += _unheard(profile)
    if profile.requires_account_id:
        found.append("It wants its own account id rather than brand and operator.")
    return found


def _unheard(profile: SellerProfile) -> list[str]:
    """Arguments that AdCP requires and this seller's tools do not list."""
    keyless = [each for each in _WRITES if each in profile.tools and not profile.takes(each, "idempotency_key")]
    found = [f"{each} takes no idempotency_key: it is sent once, never repeated." for each in keyless]
    missing = [
        each for each in (*_WRITES, "get_products") if each in profile.tools and not profile.takes(each, "account")
    ]
    missing = [each for each in missing if each != "sync_accounts"]
    if missing:
        found.append(f"{', '.join(missing)} take{'s' if len(missing) == 1 else ''} no account: it is left out there.")
    absent = [each for each in ("get_products", "create_media_buy", "get_media_buys") if each not in profile.tools]
    if absent:
        found.append(f"It has no {', '.join(absent)}.")
    return found
