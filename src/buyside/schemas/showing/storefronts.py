from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buyside.domain.storefronts import Credential, SellerProfile, Shape, Storefront
from buyside.schemas import storefronts as wire
from buyside.services.storefronts import Performance, Publishers, SourceView, StorefrontView, shown_address

EXCERPT = 280


def summary(shop: StorefrontView) -> wire.BuyerStorefrontSummary:
    policies = _policies(shop)
    return wire.BuyerStorefrontSummary(
        **_core(shop),
        discovery_card=wire.BuyerDiscoveryCardSummary(
            **_card(shop),
            has_advertising_policies=policies is not None,
            advertising_policies_excerpt=policies and policies[:EXCERPT],
        ),
        source_count=len(shop.sources),
        connected_source_count=sum(each.connected for each in shop.sources),
    )


def storefront(shop: StorefrontView) -> wire.BuyerStorefront:
    return wire.BuyerStorefront(
        **_core(shop),
        discovery_card=wire.DiscoveryCard(**_card(shop), advertising_policies=_policies(shop)),
        publishers=wire.StorefrontPublishers(total=len(shop.publishers), verified=0, sample=list(shop.publishers[:10])),
        connected=shop.connected,
        requires_credentials=any(each.requires_credentials for each in shop.sources),
        customer_accounts=_accounts(shop),
        adcp_capabilities=_adcp(shop),
        visibility=shop.storefront.visibility.value,
        sources=[_source(each) for each in shop.sources],
    )


def _core(shop: StorefrontView) -> dict[str, Any]:
    return {
        "id": shop.storefront.id,
        "platform_id": shop.storefront.platform_id,
        "name": shop.storefront.name,
        "status": shop.status,
        "publisher_domain": shop.publishers[0] if len(shop.publishers) == 1 else None,
        "brand_name": None,
        "logo_url": None,
        "logo_background": None,
        "description": _description(shop),
        "website": None,
        "brand_colors": None,
        "display_status": shop.status,
        "readiness": wire.BuyerStorefrontReadiness(
            can_transact=shop.can_transact,
            effective_status="live" if shop.can_transact else "blocked",
            blocker_ids=list(shop.blockers),
        ),
        "adapter_provider_type": None,
        "adapter_source_kind": None,
        "creative_capabilities": None,
        "adapter_connection": None,
        "supported_routing_types": ["DECISIONED", "ROUTED"],
        "supported_billing": [each for each in shop.billing if each in ("operator", "agent", "advertiser")],
        "discovery_performance": _performance(shop.performance),
        "channels": list(shop.channels),
        "regions": list(shop.countries),
    }


def _performance(seen: Performance) -> wire.BuyerStorefrontDiscoveryPerformance:
    return wire.BuyerStorefrontDiscoveryPerformance(
        sample_count=seen.samples,
        success_count=seen.successes,
        timeout_count=seen.timeouts,
        avg_response_time_ms=seen.average_ms,
        max_response_time_ms=seen.slowest_ms,
        last_response_time_ms=seen.last_ms,
        last_discovery_at=seen.last_at,
    )


def _description(shop: StorefrontView) -> str | None:
    return next((each.declared.description for each in shop.sources if each.declared.description), None)


def _policies(shop: StorefrontView) -> str | None:
    said = [each.declared.policies for each in shop.sources if each.declared.policies]
    return "\n\n".join(said) or None


def _card(shop: StorefrontView) -> dict[str, Any]:
    """Everything here was declared by the sales agents themselves."""
    stated = "upstream_capabilities"
    return {
        "storefront_id": str(shop.storefront.id),
        "platform_id": shop.storefront.platform_id,
        "storefront_kind": "external_pass_through",
        "display_name": shop.storefront.name,
        "logo_url": None,
        "logo_background": None,
        "description": _description(shop),
        "website": None,
        "brand_colors": None,
        "channels": list(shop.channels),
        "countries": list(shop.countries),
        "accepts_all_countries": False,
        "coverage_declarations": [
            wire.CoverageDeclaration(
                channels=list(each.declared.channels),
                countries=list(each.declared.countries),
                accepts_all_countries=False,
            )
            for each in shop.sources
            if each.declared.channels or each.declared.countries
        ],
        "coverage": wire.DiscoveryCoverage(
            channels=_coverage(bool(each.declared.channels) for each in shop.sources),
            countries=_coverage(bool(each.declared.countries) for each in shop.sources),
        ),
        "provenance": wire.DiscoveryProvenance(
            identity=wire.IdentityProvenance(
                display_name="operator",
                logo_url="unknown",
                description=stated if _description(shop) else "unknown",
                website="unknown",
                brand_colors="unknown",
            ),
            coverage=wire.CoverageProvenance(
                channels=stated if shop.channels else "unknown", countries=stated if shop.countries else "unknown"
            ),
            advertising_policies=stated if _policies(shop) else "unknown",
        ),
    }


def _coverage(stated: Any) -> wire.Coverage:
    each = list(stated)
    return "declared" if each and all(each) else "partial" if any(each) else "unknown"


def _accounts(shop: StorefrontView) -> list[wire.BuyerStorefrontAccount]:
    found = {c.account_identifier: c.status for each in shop.sources for c in each.credentials}
    return [wire.BuyerStorefrontAccount(account_identifier=name, status=status) for name, status in found.items()]


def _profiles(shop: StorefrontView) -> list[SellerProfile]:
    return [each.source.profile for each in shop.sources if each.source.profile is not None]


def _adcp(shop: StorefrontView) -> wire.BuyerStorefrontAdcpCapabilities | None:
    known, declared = _profiles(shop), [each.declared for each in shop.sources]
    if not known:
        return None
    reporting = {way for each in declared for way in each.reporting or ()}
    offline = {way for each in declared for way in each.offline or ()}
    asked = [each.source.probed_at for each in shop.sources if each.source.probed_at]
    return wire.BuyerStorefrontAdcpCapabilities(
        supports_update_media_buy=any("update_media_buy" in each.tools for each in known),
        supports_create_media_buy=any("create_media_buy" in each.tools for each in known),
        supports_get_reporting=any("get_media_buy_delivery" in each.tools for each in known),
        supports_sandbox=any(each.sandbox for each in known),
        extensions=sorted({name for each in declared for name in each.extensions}),
        protocols=sorted({name for each in declared for name in each.protocols}),
        publisher_domains=sorted({name for each in declared for name in each.publisher_domains}) or None,
        channels=list(shop.channels) or None,
        countries=list(shop.countries) or None,
        countries_complete=all(each.countries for each in declared),
        channels_complete=all(each.channels for each in declared),
        version=max((version for each in known for version in each.versions), default=None),
        reporting_delivery_methods=sorted(reporting) if any(d.reporting is not None for d in declared) else None,
        offline_delivery_protocols=sorted(offline) if any(d.offline is not None for d in declared) else None,
        capabilities_cached_at=max(asked, default=None),
    )


def _source(each: SourceView) -> wire.StorefrontSource:
    source, profile = each.source, each.source.profile
    return wire.StorefrontSource(
        source_id=source.source_id,
        sales_agent_id=source.agent_id,
        name=source.name,
        endpoint_url=shown_address(source.endpoint),
        protocol=source.protocol.value,
        auth_type=each.auth.value,
        billing=source.billing,
        operator_domain=source.operator_domain,
        probe_status=source.probe_status.value,
        probe_message=source.probe_message,
        probed_at=source.probed_at,
        transport=profile and profile.transport.value,
        adcp_versions=list(profile.versions) if profile else None,
        tools=_tools(profile.tools) if profile else None,
        idempotency_ttl_seconds=profile and profile.replay_ttl,
        quirks=list(profile.quirks) if profile else None,
    )


def _tools(tools: Mapping[str, Shape]) -> dict[str, list[str]]:
    return {name: sorted(shape.keys) for name, shape in sorted(tools.items())}


def capabilities(shop: StorefrontView) -> wire.BuyerStorefrontCapabilitiesResponse:
    agents = [_agent(each) for each in shop.sources]
    return wire.BuyerStorefrontCapabilitiesResponse(storefront_id=shop.storefront.id, agents=agents)


def _agent(each: SourceView) -> wire.BuyerStorefrontCapabilitySource:
    source = each.source
    return wire.BuyerStorefrontCapabilitySource(
        source_id=source.source_id,
        source_name=source.name,
        execution_type="sales_agent",
        agent_name=source.name,
        requires_credentials=each.requires_credentials if source.profile else None,
        probeable=True,
        probe_status=source.probe_status.value,
        message=source.probe_message,
        capabilities=_details(each, source.profile) if source.profile else None,
    )


def _details(each: SourceView, profile: SellerProfile) -> wire.BuyerStorefrontCapabilityDetails:
    said = each.declared
    return wire.BuyerStorefrontCapabilityDetails(
        version=max(profile.versions, default="3.0"),
        tools=sorted(profile.tools),
        protocols=list(said.protocols),
        features=dict(said.features),
        publisher_domains=list(said.publisher_domains) or None,
        channels=list(said.channels) or None,
        countries=list(said.countries) or None,
        account_resolution="explicit_account_id" if profile.requires_account_id else "implicit_from_sync",
        require_operator_auth=profile.requires_account_id,
        default_billing=profile.billing[0] if profile.billing else None,
        supported_billings=list(profile.billing),
        reporting_delivery_methods=None if said.reporting is None else list(said.reporting),
        sandbox_supported=profile.sandbox,
        synthetic=not profile.capabilities,
    )


def publishers(found: Publishers) -> wire.StorefrontPublishersResponse:
    return wire.StorefrontPublishersResponse(
        publishers=[
            wire.StorefrontPublisher(
                domain=each.domain, verification="verified" if each.verified else "declared", property_count=None
            )
            for each in found.found
        ],
        total=found.total,
        verified_count=found.verified,
    )


def credentials(found: Sequence[tuple[Credential, Storefront]]) -> wire.BuyerCredentialList:
    return wire.BuyerCredentialList([_credential(*each) for each in found])


def _credential(held: Credential, shop: Storefront) -> wire.BuyerCredential:
    source = next((each for each in shop.sources if each.source_id == held.source_id), None)
    reference = wire.BuyerCredentialSourceRef(
        storefront_id=shop.id,
        storefront_name=shop.name,
        source_id=held.source_id,
        source_name=(source and source.name) or shop.name,
    )
    return wire.BuyerCredential(
        id=str(held.id),
        account_identifier=held.account_identifier,
        account_type=held.account_type.value,
        status=held.status,
        registered_by=held.registered_by,
        created_at=held.created_at,
        updated_at=held.updated_at,
        sources=[reference],
    )


def credential(held: Credential) -> wire.BuyerCredentialRegistrationResponse:
    return wire.BuyerCredentialRegistrationResponse(
        id=str(held.id),
        account_identifier=held.account_identifier,
        status=held.status,
        registered_by=held.registered_by,
        created_at=held.created_at,
    )
