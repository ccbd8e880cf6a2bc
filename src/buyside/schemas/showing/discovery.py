from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.domain.discovery import AgentResult, AgentState
from buyside.domain.groups import Found, Group
from buyside.domain.refinements import Applied
from buyside.schemas import discovery as wire
from buyside.schemas.products import ProductGroup
from buyside.schemas.showing import products as show

# Source: AdCP get-products-response, `incomplete[].scope`.
_SCOPES = frozenset({"products", "pricing", "forecast", "proposals", "wholesale_feed"})
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def found(seen: Found, *, debug: bool = False) -> wire.DiscoverProductsResponse:
    """`debug`: also how each seller answered."""
    responded, asked = seen.responded
    return wire.DiscoverProductsResponse(
        discovery_id=seen.session.id,
        product_groups=[_group(each, seen) for each in seen.groups],
        total_groups=seen.total_groups,
        has_more_groups=seen.has_more_groups,
        summary=_summary(seen),
        budget_context=show.budget(seen.budget),
        proposals=[show.proposal(agent, each) for agent, each in seen.proposals] or None,
        incomplete_agents=[_incomplete(each, seen) for each in seen.incomplete] or None,
        connection_issues=[_issue(each) for each in seen.agents if each.trouble] or None,
        retry_with_longer_wait_available=True if seen.longer_wait_helps else None,
        agent_results=[_result(each, seen) for each in seen.agents] if debug else None,
        refinement_applied=[_applied(each) for each in seen.refined] if seen.refined is not None else None,
        revision=seen.session.revision,
        results_complete=seen.is_complete,
        pending_agents=[_pending(each) for each in seen.pending] if not seen.waited_out else None,
        progress=wire.DiscoveryProgress(
            responded_storefront_count=responded, total_storefront_count=asked, wait_seconds=seen.wait_seconds
        ),
        guidance=seen.guidance,
    )


def _group(each: Group, seen: Found) -> ProductGroup:
    return ProductGroup(
        group_id=each.agent.group_id,
        group_name=each.agent.group_name,
        storefront_id=str(each.agent.storefront_id),
        storefront_name=each.agent.storefront_name,
        products=[show.product(one, each.agent, seen.search) for one in each.products],
        product_count=len(each.products),
        total_products=each.total,
        has_more_products=each.has_more,
    )


def _summary(seen: Found) -> wire.DiscoverySummary:
    priced = seen.tally.range(seen.search.currency)
    prices = None
    if priced is not None:
        currency, each = priced
        mean = round(each.sum / each.count, 6)
        prices = wire.PriceRange(min=each.low, max=each.high, avg=mean, currency=currency)
    return wire.DiscoverySummary(
        total_products=seen.tally.products, publishers_count=len(seen.tally.publishers), price_range=prices
    )


def _at(agent: AgentResult) -> list[wire.StorefrontRef]:
    return [wire.StorefrontRef(storefront_id=str(agent.storefront_id), storefront_name=agent.storefront_name)]


def _incomplete(agent: AgentResult, seen: Found) -> wire.IncompleteDiscoveryAgent:
    late = any(each.agent_id == agent.agent_id for each in seen.late)
    waited = agent.wait_seconds or seen.wait_seconds
    return wire.IncompleteDiscoveryAgent(
        agent_id=agent.agent_id,
        agent_name=agent.agent_name,
        storefronts=_at(agent),
        reason="timeout" if late else "upstream_incomplete",
        response_time_ms=waited * 1000 if late and agent.duration_ms is None else agent.duration_ms,
        wait_seconds=waited,
        incomplete_scopes=_scopes(agent) or None,
    )


def _scopes(agent: AgentResult) -> list[wire.IncompleteDiscoveryScope]:
    """What the seller says is missing; of one that failed, all of it, and why."""
    said = [_scope(each) for each in agent.incomplete]
    if agent.message:
        said.append(wire.IncompleteDiscoveryScope(scope="products", description=show.clean(agent.message, 500) or ""))
    if not said and agent.state is AgentState.PENDING:
        said.append(wire.IncompleteDiscoveryScope(scope="products", description="It has not answered yet."))
    return said


def _scope(stated: Mapping[str, Any]) -> wire.IncompleteDiscoveryScope:
    scope: Any = stated.get("scope") if stated.get("scope") in _SCOPES else "products"
    return wire.IncompleteDiscoveryScope(
        scope=scope,
        description=show.clean(stated.get("description"), 500) or "The seller did not finish this.",
        estimated_wait_seconds=_seconds(stated.get("estimated_wait")),
    )


def _seconds(wait: object) -> int | None:
    if not isinstance(wait, Mapping) or wait.get("unit") not in _SECONDS:
        return None
    interval = wait.get("interval")
    if not isinstance(interval, int | float) or not 0 < interval < 1e6:
        return None
    return max(1, round(interval * _SECONDS[wait["unit"]]))


def _issue(agent: AgentResult) -> wire.ConnectionIssue:
    return wire.ConnectionIssue(
        provider_type="adcp", storefront_id=str(agent.storefront_id), storefront_name=agent.storefront_name
    )


def _result(agent: AgentResult, seen: Found) -> wire.AgentDiscoveryResult:
    done = agent.state is AgentState.COMPLETE
    return wire.AgentDiscoveryResult(
        agent_id=agent.agent_id,
        agent_name=agent.agent_name,
        response_time_ms=agent.duration_ms,
        timed_out=any(each.agent_id == agent.agent_id for each in seen.late),
        storefronts=_at(agent),
        success=done,
        product_count=agent.tally.products,
        error=None if done else agent.message or "It has not answered yet.",
        incomplete=scopes_in_adcp(agent) or None,
    )


def scopes_in_adcp(agent: AgentResult) -> list[dict[str, Any]]:
    """As `incomplete[]` of get_products has them."""
    made: list[dict[str, Any]] = []
    for shown in _scopes(agent):
        seconds = shown.estimated_wait_seconds
        wait = {"estimated_wait": {"interval": seconds, "unit": "seconds"}} if seconds else {}
        made.append({"scope": shown.scope, "description": shown.description, **wait})
    return made


def _pending(agent: AgentResult) -> wire.PendingDiscoveryAgent:
    return wire.PendingDiscoveryAgent(agent_id=agent.agent_id, agent_name=agent.agent_name, storefronts=_at(agent))


def _applied(each: Applied) -> wire.RefinementApplied:
    return wire.RefinementApplied(
        scope=each.wish.scope.value, id=each.wish.id, status=each.verdict.value, notes=show.clean(each.notes)
    )
