from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buyside.domain.answers import Exchange
from buyside.domain.budgets import Fee
from buyside.domain.campaigns import Campaign, CampaignSpec
from buyside.domain.creatives import FormatRef
from buyside.domain.data_delivery import resolved as resolved_outputs
from buyside.domain.discovery import Discovery
from buyside.domain.media_buys import MediaBuy
from buyside.domain.pacing import resolved
from buyside.domain.property_lists import applied
from buyside.schemas import campaigns as wire
from buyside.schemas.audiences import CampaignAudience
from buyside.schemas.goals import PerformanceConfig
from buyside.schemas.pacing import PacingPeriods
from buyside.schemas.showing import data_delivery, frequency, pacing, property_lists
from buyside.schemas.showing import media_buys as buys
from buyside.schemas.targeting import ShownConstraints
from buyside.services.campaigns import CampaignView, Cascade, Executed
from buyside.services.campaigns.execution import Failure
from buyside.services.campaigns.reading import Page, ProductsView
from buyside.services.campaigns.selecting import AutoSelection
from buyside.services.media_buys.settling import DroppedCreative

STALE_HINT = (
    "These DRAFT buys were staged from an earlier selection and were sent as they stood; "
    "stage again with replace to buy the new selection."
)


def campaign(
    view: CampaignView,
    *,
    only: Sequence[str] = (),
    details: bool = True,
    lists: bool = False,
    metros: MetroNames | None = None,
    warnings: Sequence[str] = (),
) -> wire.CampaignResponse:
    """`only`: the media buys to show, all without; `details` false leaves the products' format options out;
    `lists` adds the property lists that its packages carry; `metros`, what metros are called; `warnings`: of the
    request, before the campaign's own."""
    said = [*warnings, *view.warnings]
    shown = _campaign(view, only, details=details)
    if lists:
        shown.property_lists = property_lists.applied(applied(view.buys))
    if metros is not None:
        shown.constraints = _constraints(view.campaign.spec, metros)
    return wire.CampaignResponse(campaign=shown, warnings=said or None)


def _campaign(view: CampaignView, only: Sequence[str], *, details: bool) -> wire.Campaign:
    c, spec = view.campaign, view.campaign.spec
    buys_shown = [buys.in_campaign(b, view.creatives, details=details) for b in view.buys if not only or b.id in only]
    selected = _selected(view.discovery)
    return wire.Campaign(
        campaign_id=c.id,
        advertiser_id=str(c.advertiser_id),
        name=spec.name,
        status=c.status.value,
        mode=c.mode.value,
        management="managed",
        optimization_apply_mode=view.apply_mode.value,
        revision=c.revision,
        created_at=c.created_at,
        updated_at=c.updated_at,
        media_buy_refs=[buys.ref(each) for each in view.heads] or None,
        brief=spec.brief,
        flight_dates=_flight(spec),
        budget=_budget(spec),
        media_budget=wire.MediaBudget(total=view.sums.media.major, currency=c.currency),
        fees=[_fee(fee) for fee in view.sums.fees] or None,
        allocated_budget=view.sums.allocated.major,
        unallocated_budget=view.sums.unallocated.major,
        pacing_periods=_periods(spec),
        constraints=_constraints(spec),
        storefronts=[
            wire.CampaignStorefrontRef(id=s.id, platform_id=s.platform_id, name=s.name) for s in view.storefronts
        ]
        or None,
        performance_config=_goals(spec),
        discovery_id=None if c.committed else spec.discovery_id,
        product_count=len(selected) if selected is not None else None,
        products=[wire.CampaignProductRef(product_id=p) for p in selected] if selected else None,
        creative_formats=_formats(view),
        media_buys=buys_shown if buys_shown or only else None,
        catalog_id=spec.catalog_id,
        audiences=_audiences(view) or None,
        data_delivery=data_delivery.delivery(resolved_outputs(spec.data_outputs, view.advertiser.spec.data_outputs)),
        frequency_caps=frequency.caps(view.frequency_caps),
    )


def _selected(session: Discovery | None) -> list[str] | None:
    return None if session is None else list(dict.fromkeys(s.product_id for s in session.selections))


def _flight(spec: CampaignSpec) -> wire.FlightDates:
    return wire.FlightDates(start_date=spec.flight.start, end_date=spec.flight.end)


def _budget(spec: CampaignSpec) -> wire.CampaignBudget:
    return wire.CampaignBudget(
        total=spec.budget.total.major,
        currency=spec.budget.total.currency,
        daily_cap=spec.budget.daily_cap.major if spec.budget.daily_cap else None,
        pacing=spec.budget.pacing.value if spec.budget.pacing else None,
    )


def _audiences(view: CampaignView) -> list[CampaignAudience]:
    known = {each.id: each for each in view.audiences}
    return [
        CampaignAudience(
            audience_id=link.audience_id,
            name=known[link.audience_id].name,
            status=known[link.audience_id].status.value,
            type=link.kind.value,
            enabled_at=link.enabled_at or view.campaign.created_at,
        )
        for link in view.campaign.spec.audiences
        if link.enabled and link.audience_id in known
    ]


def _periods(spec: CampaignSpec) -> PacingPeriods | None:
    schedule = spec.pacing_periods
    return None if schedule is None else pacing.periods(schedule, resolved(schedule, spec.budget.total))


def _fee(fee: Fee) -> wire.CampaignFee:
    return wire.CampaignFee(
        label=fee.term.label,
        pricing_type=fee.term.pricing.value,
        margin_percent=fee.term.margin_percent,
        unit=fee.term.unit,
        unit_price=fee.term.unit_price,
        amount=fee.amount.major,
        currency=fee.amount.currency,
    )


MetroNames = Mapping[str, Mapping[str, str]]
"""System to code to name."""


def _constraints(spec: CampaignSpec, metros: MetroNames | None = None) -> ShownConstraints | None:
    if not spec.constraints:
        return None
    named = {} if metros is None else {
        shown: [_named(area, metros) for area in spec.constraints[given]]
        for given, shown in (("geo_metros", "geo_metro_names"), ("geo_metros_exclude", "geo_metro_names_exclude"))
        if spec.constraints.get(given)
    }  # fmt: skip
    return ShownConstraints.model_validate({**spec.constraints, **named})


def _named(area: Mapping[str, Any], metros: MetroNames) -> dict[str, Any]:
    """A code that nobody named stands for itself."""
    known = metros.get(area["system"], {})
    return {"system": area["system"], "values": [{"code": c, "name": known.get(c, c)} for c in area["values"]]}


def _goals(spec: CampaignSpec) -> PerformanceConfig | None:
    return PerformanceConfig.model_validate(dict(spec.performance_config)) if spec.performance_config else None


def _formats(view: CampaignView) -> wire.CreativeFormats | None:
    if not view.formats.required:
        return None
    return wire.CreativeFormats(
        required=[_format(f) for f in view.formats.required],
        covered=[_format(f) for f in view.formats.covered],
        missing=[_format(f) for f in view.formats.missing],
    )


def _format(form: FormatRef) -> wire.CreativeFormat:
    kind = form.get("format_kind")
    return wire.CreativeFormat(agent_url=form.get("agent_url"), id=form.get("id"), format_kind=kind)


def summary(found: Campaign, product_count: int | None, metros: MetroNames | None = None) -> wire.CampaignSummary:
    return wire.CampaignSummary(
        campaign_id=found.id,
        advertiser_id=str(found.advertiser_id),
        name=found.spec.name,
        status=found.status.value,
        mode=found.mode.value,
        management="managed",
        flight_dates=_flight(found.spec),
        constraints=_constraints(found.spec, metros),
        product_count=product_count,
        budget=wire.CampaignSummaryBudget(total=found.spec.budget.total.major, currency=found.currency),
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def page(found: Page, next_cursor: str | None, metros: MetroNames | None = None) -> wire.CampaignListResponse:
    return wire.CampaignListResponse(
        campaigns=[summary(c, found.product_counts.get(c.id), metros) for c in found.campaigns],
        total=found.total,
        total_capped=None if found.exact else True,
        has_more=found.more,
        next_cursor=next_cursor,
    )


def executed(done: Executed) -> wire.CampaignStatusChangeResponse:
    return wire.CampaignStatusChangeResponse(
        campaign_id=done.campaign_id,
        previous_status=done.before.value,
        new_status=done.after.value,
        success=done.success,
        media_buys_executed=done.attempted,
        reason=None if done.attempted else "no_media_buys_to_execute",
        errors=[_failure(f) for f in done.failures] or None,
        warnings=_warnings(done) or None,
    )


def _failure(failure: Failure) -> wire.ExecutionError:
    return wire.ExecutionError(
        media_buy_id=failure.media_buy_id,
        sales_agent_id=failure.agent_id,
        message=failure.message,
        debug=_debug(failure.exchange, failure.message) if failure.exchange else None,
    )


def _debug(exchange: Exchange, message: str) -> wire.ExecuteMediaBuyDebugInfo:
    return wire.ExecuteMediaBuyDebugInfo(
        request=dict(exchange.request),
        response=dict(exchange.response or {}),
        debug_logs=[dict(line) for line in exchange.log],
        error=message,
    )


def _warnings(done: Executed) -> list[wire.ExecuteWarning]:
    made: list[wire.ExecuteWarning] = [
        wire.CreativesDropped(type="creatives_dropped", media_buy_id=buy, dropped=[_dropped(d) for d in dropped])
        for buy, dropped in done.dropped
    ]
    if done.stale:
        made.append(wire.StaleDraft(type="stale_draft", media_buy_ids=list(done.stale), hint=STALE_HINT))
    return made


def _dropped(creative: DroppedCreative) -> wire.DroppedCreative:
    return wire.DroppedCreative(
        creative_id=creative.creative_id, format_id=creative.format_id or "", reason=creative.reason
    )


def cascade(done: Cascade) -> wire.CampaignCascadeResponse:
    return wire.CampaignCascadeResponse(
        campaign_id=done.campaign.id,
        campaign_name=done.campaign.spec.name,
        previous_status=done.before.value,
        new_status=done.campaign.status.value,
        success=done.failures == 0,
        media_buy_results=[
            wire.MediaBuyCascadeResult(
                media_buy_id=r.media_buy_id,
                name=r.name,
                previous_status=r.before.value,
                success=r.error is None,
                error=r.error,
            )
            for r in done.results
        ],
        total_media_buys=len(done.results),
        success_count=len(done.results) - done.failures,
        failure_count=done.failures,
    )


def auto_selected(done: AutoSelection) -> wire.AutoSelectProductsResponse:
    total = done.campaign.spec.budget.total
    return wire.AutoSelectProductsResponse(
        campaign_id=done.campaign.id,
        discovery_id=done.discovery_id,
        selected_products=[
            wire.AutoSelectedProduct(
                product_id=s.product.product_id,
                name=s.product.name,
                sales_agent_id=s.agent.agent_id,
                group_id=s.selection.group_id or s.agent.agent_id,
                group_name=s.selection.group_name or s.agent.agent_name,
                cpm=s.option.rate if s.option.model in {"cpm", "vcpm"} else None,
                budget=s.budget.major,
                pricing_option_id=s.option.pricing_option_id,
            )
            for s in done.selected
        ],
        budget_context=wire.AutoSelectBudgetContext(
            campaign_budget=total.major,
            total_allocated=done.allocated.major,
            remaining_budget=(total - done.allocated).major,
            currency=total.currency,
        ),
        product_count=len(done.selected),
        previously_selected_count=done.previously,
        selection_rationale=done.rationale,
        selection_method="measurability" if done.method == "measurability" else "cpm_heuristic",
        test_budget_per_product=done.test_budget.major if done.test_budget else None,
    )


def products(found: ProductsView, *, only: Sequence[str] = ()) -> wire.CampaignProductsResponse:
    """`only`: the media buys to show; products that sit on none of them are left out then."""
    session = found.discovery
    on_buys = [
        _bought(found, buy, index)
        for buy in found.buys
        if not only or buy.id in only
        for index in range(len(buy.packages))
    ]
    pending = [] if only or session is None else [_pending(session, index) for index in found.pending]
    return wire.CampaignProductsResponse(
        campaign_id=found.campaign.id,
        discovery_id=found.campaign.spec.discovery_id,
        products=[*on_buys, *pending],
        search_contexts=[_context(session)] if session else [],
        summary=wire.CampaignProductsSummary(
            total_products=len(on_buys) + len(pending),
            products_on_media_buys=len(on_buys),
            products_pending=len(pending),
        ),
    )


def _bought(found: ProductsView, buy: MediaBuy, index: int) -> wire.CampaignProductEntry:
    package = buy.packages[index]
    key = (buy.agent_id, package.product_id, package.selection_id)
    selections = found.discovery.selections if found.discovery else ()
    chosen = next((s for s in selections if (s.agent_id, s.product_id, s.selection_id) == key), None)
    return wire.CampaignProductEntry(
        product_id=package.product_id,
        product_name=package.product_name,
        sales_agent_id=buy.agent_id,
        sales_agent_name=buy.agent_name,
        publisher_domain=package.publisher_name,
        publisher_name=package.publisher_name,
        bid_price=package.bid,
        budget=package.budget.major,
        pricing_option_id=package.pricing_option_id,
        pricing_model=package.pricing_model,
        selected_at=chosen.selected_at if chosen else buy.created_at,
        search_context=_searched(found.discovery),
        media_buys=[
            wire.ProductMediaBuy(
                media_buy_id=buy.id,
                status=buy.status.value,
                name=buy.name,
                package_ids=[package.package_id] if package.package_id else [],
            )
        ],
    )


def _pending(session: Discovery, index: int) -> wire.CampaignProductEntry:
    chosen = session.selections[index]
    offer = session.find(chosen.product_id, chosen.agent_id)
    option = offer[1].option(chosen.pricing_option_id) if offer else None
    return wire.CampaignProductEntry(
        product_id=chosen.product_id,
        product_name=offer[1].name if offer else None,
        sales_agent_id=chosen.agent_id,
        sales_agent_name=offer[0].agent_name if offer else None,
        publisher_domain=offer[1].publisher_domains[0] if offer and offer[1].publisher_domains else None,
        bid_price=chosen.bid,
        budget=chosen.budget,
        pricing_option_id=option.pricing_option_id if option else chosen.pricing_option_id,
        pricing_model=option.model if option else None,
        selected_at=chosen.selected_at,
        search_context=_searched(session),
        media_buys=[],
    )


def _searched(session: Discovery | None) -> wire.ProductSearchContext | None:
    if session is None:
        return None
    return wire.ProductSearchContext(id=session.id, brief=str(session.request.get("brief") or ""))


def _context(session: Discovery) -> wire.CampaignSearchContextSummary:
    return wire.CampaignSearchContextSummary(
        id=session.id,
        brief=str(session.request.get("brief") or ""),
        channels=list(session.request.get("channels") or []),
        countries=list(session.request.get("countries") or []),
        created_at=session.created_at,
        product_count=sum(len(agent.products) for agent in session.agents),
    )
