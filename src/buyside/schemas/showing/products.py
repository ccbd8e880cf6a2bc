from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from buyside.domain import formats, shelves
from buyside.domain.discovery import AgentResult, Selection
from buyside.domain.products import PricingOption, Product, Proposal
from buyside.domain.searches import Search, channel_names
from buyside.domain.selections import BudgetContext
from buyside.schemas import products as wire
from buyside.schemas.targeting import TargetingOverlay
from buyside.services.discovery import AppliedProposal, Selected

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_DELIVERY = frozenset({"guaranteed", "non_guaranteed"})
UNRESOLVED = "format_unresolved"


def clean(text: object, most: int = 2000) -> str | None:
    """A seller's words as people may be shown them: no characters that hide or reorder others, and not without end."""
    return _CONTROL.sub("", text)[:most] if isinstance(text, str) and text else None


def product(each: Product, agent: AgentResult, search: Search) -> wire.Product:
    price, channels = shelves.cpm(each, search.currency), channel_names(each.channels)
    exposures, forecast = each.raw.get("estimated_exposures"), each.raw.get("forecast")
    return wire.Product(
        product_id=each.product_id,
        name=clean(each.name, 500) or each.product_id,
        channel=channels[0] if channels else None,
        channels=list(channels) or None,
        format_types=list(formats.kinds(each)) or None,
        cpm=price.rate if price else None,
        currency=price.currency if price else None,
        expires_at=each.expires_at,
        sales_agent_id=agent.agent_id,
        sales_agent_name=agent.agent_name,
        storefront_id=str(agent.storefront_id),
        storefront_name=agent.storefront_name,
        description=clean(each.description, 5000),
        delivery_type=_delivery(each),
        brief_relevance=clean(each.brief_relevance),
        pricing_options=[_option(option) for option in each.pricing_options] or None,
        estimated_exposures=exposures if isinstance(exposures, int) and not isinstance(exposures, bool) else None,
        forecast=dict(forecast) if isinstance(forecast, Mapping) else None,
        publisher_properties=_properties(each) or None,
        is_sandbox=True if agent.sandbox else None,
        format_options=_formats(each) or None,
    )


def _delivery(each: Product) -> Any:
    return each.delivery_type if each.delivery_type in _DELIVERY else None


def _option(option: PricingOption) -> wire.PricingOptionData:
    return wire.PricingOptionData(
        pricing_option_id=option.pricing_option_id,
        pricing_model=option.model,
        is_fixed=option.is_fixed,
        rate=option.rate,
        floor_price=option.floor_price,
        fixed_price=option.fixed_price,
        currency=option.currency,
        price_guidance=_guidance(option.price_guidance),
    )


def _guidance(stated: Mapping[str, Any]) -> wire.PriceGuidance | None:
    known = {name: _number(stated.get(name)) for name in wire.PriceGuidance.model_fields}
    return wire.PriceGuidance(**known) if any(each is not None for each in known.values()) else None


def _number(value: object) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _properties(each: Product) -> list[wire.PublisherProperty]:
    listed = each.raw.get("publisher_properties")
    stated = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return [
        wire.PublisherProperty(
            publisher_domain=clean(one.get("publisher_domain"), 255),
            property_type=clean(one.get("property_type"), 100),
            name=clean(one.get("name"), 500),
            selection_type=clean(one.get("selection_type"), 100),
        )
        for one in stated
    ]


def _formats(each: Product) -> list[wire.ProductFormatOption]:
    """The seller's format options as they are; marked where neither they nor their ids say what they are."""
    made = [
        dict(option) if formats.is_resolved(option) else {**option, UNRESOLVED: True} for option in each.format_options
    ]
    made += [{"format_id": dict(one), UNRESOLVED: True} for one in formats.unresolved(each)]
    return [wire.ProductFormatOption.model_validate(_typed(one)) for one in made]


def _typed(option: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not of the type that the contract declares."""
    params = option.get("params")
    texts = {key: option[key] for key in ("format_kind", "format_option_id", "display_name") if key in option}
    wrong = {key for key, value in texts.items() if not isinstance(value, str)}
    wrong |= {"params"} if params is not None and not isinstance(params, Mapping) else set()
    return {key: value for key, value in option.items() if key not in wrong}


def detail(search: Search, agent: AgentResult, each: Product) -> wire.DiscoveryProductDetail:
    full = product(each, agent, search)
    return wire.DiscoveryProductDetail(
        **{name: getattr(full, name) for name in wire.DiscoveryProductDetail.model_fields}
    )


def proposal(agent: AgentResult, each: Proposal) -> wire.Proposal:
    guidance = {name: _number(each.budget_guidance.get(name)) for name in ("min", "recommended", "max")}
    return wire.Proposal(
        proposal_id=each.proposal_id,
        name=clean(each.name, 500) or each.proposal_id,
        description=clean(each.description),
        brief_alignment=clean(each.raw.get("brief_alignment")),
        sales_agent_id=agent.agent_id,
        sales_agent_name=agent.agent_name,
        storefront_id=str(agent.storefront_id),
        storefront_name=agent.storefront_name,
        allocations=[
            wire.ProductAllocation(
                product_id=part.product_id,
                allocation_percentage=part.percentage,
                pricing_option_id=part.pricing_option_id,
                rationale=clean(part.rationale),
                sequence=part.sequence,
                tags=[tag for one in part.tags if (tag := clean(one, 100))] or None,
            )
            for part in each.allocations
        ],
        expires_at=each.expires_at,
        total_budget_guidance=wire.TotalBudgetGuidance(
            **guidance, currency=clean(each.budget_guidance.get("currency"), 3)
        )
        if each.budget_guidance
        else None,
    )


# ---- selection


def budget(context: BudgetContext | None) -> wire.BudgetContextResponse | None:
    if context is None:
        return None
    return wire.BudgetContextResponse(
        session_budget=context.budget.major if context.budget else None,
        allocated_budget=context.allocated.major,
        remaining_budget=context.remaining.major if context.remaining is not None else None,
        budget_warning=context.warning,
    )


def selected(view: Selected) -> wire.SessionProductsResponse:
    return wire.SessionProductsResponse(**_selected(view))


def applied(done: AppliedProposal) -> wire.ApplyProposalResponse:
    return wire.ApplyProposalResponse(
        **_selected(done.selected),
        proposal=wire.AppliedProposalSummary(
            proposal_id=done.proposal.proposal_id,
            name=clean(done.proposal.name, 500) or done.proposal.proposal_id,
            sales_agent_name=done.agent.agent_name,
        ),
        total_budget_used=done.plan.used.major,
        products_applied=len(done.plan.selections),
        products_skipped=list(done.plan.skipped),
    )


def _selected(view: Selected) -> dict[str, Any]:
    return {
        "discovery_id": view.session.id,
        "products": [_selection(each, view) for each in view.session.selections],
        "total_products": len(view.session.selections),
        "budget_context": budget(view.budget),
        "campaign_bound": view.binding.is_bound,
        "campaign_warning": view.binding.warning,
    }


def _selection(each: Selection, view: Selected) -> wire.SelectedProduct:
    agent = view.agents.get(each.agent_id)
    return wire.SelectedProduct(
        product_id=each.product_id,
        sales_agent_id=each.agent_id,
        selected_at=each.selected_at,
        group_id=each.group_id or each.agent_id,
        group_name=each.group_name or (agent.group_name if agent else each.agent_id),
        storefront_id=str(agent.storefront_id) if agent else None,
        selection_id=each.selection_id,
        bid_price=each.bid,
        budget=each.budget,
        targeting_overlay=TargetingOverlay.model_validate(dict(each.targeting)) if each.targeting else None,
    )
