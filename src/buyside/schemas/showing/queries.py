from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buyside.domain import qualified
from buyside.domain.discovery import AgentResult, AgentState
from buyside.domain.groups import Found
from buyside.domain.products import Product, Proposal
from buyside.domain.refinements import Applied, Scope
from buyside.schemas import queries as wire
from buyside.schemas.showing import discovery as shown
from buyside.schemas.showing.products import clean
from buyside.services.products import Queried

_POLL_AFTER_MS = 5000
"""Source: interchange.md 1.5."""
_STATES = {
    AgentState.PENDING: "pending",
    AgentState.COMPLETE: "completed",
    AgentState.FAILED: "failed",
    AgentState.TIMEOUT: "incomplete",
}
_WORST = ("pending", "incomplete", "failed", "completed")


def queried(done: Queried, cursor: str | None, context: dict[str, Any] | None) -> wire.GetProductsResponse:
    seen = done.seen
    return wire.GetProductsResponse(
        context=context,
        products=[_product(agent, each) for agent, each in done.products],
        proposals=[_proposal(agent, each) for agent, each in seen.proposals] or None,
        incomplete=[one for each in seen.incomplete for one in _incomplete(each)] or None,
        refinement_applied=[_applied(each) for each in seen.refined] if seen.refined is not None else None,
        pagination=wire.QueryPage(has_more=done.next is not None, cursor=cursor, total_count=seen.tally.products),
        sandbox=True if seen.agents and all(each.sandbox for each in seen.agents) else None,
        ext=wire.QueryExecutionExtension(interchange=_execution(seen)),
    )


def _product(agent: AgentResult, each: Product) -> wire.InterchangeProduct:
    origin = wire.ProductOrigin(**_at(agent), source_product_id=each.product_id)
    own = {
        "product_id": qualified.product_key(agent.storefront_id, agent.agent_id, each.product_id),
        "name": each.name,
        # The contract closes this object: a seller's own extensions do not travel on.
        "ext": {"interchange": origin},
    }
    return wire.InterchangeProduct.model_validate({**each.raw, **own})


def _at(agent: AgentResult) -> dict[str, str]:
    return {
        "storefront_id": str(agent.storefront_id),
        "storefront_name": agent.storefront_name,
        "sales_agent_id": agent.agent_id,
    }


def _proposal(agent: AgentResult, each: Proposal) -> wire.InterchangeProposal:
    stated = each.raw.get("allocations")
    rows = [one for one in stated if isinstance(one, Mapping)] if isinstance(stated, list) else []
    further = {str(one.get("product_id")): one for one in rows}
    allocations = [
        {
            **further.get(part.product_id, {}),
            "product_id": qualified.product_key(agent.storefront_id, agent.agent_id, part.product_id),
            "allocation_percentage": part.percentage,
        }
        for part in each.allocations
    ]
    own = {
        "proposal_id": qualified.proposal_key(agent.storefront_id, agent.agent_id, each.proposal_id),
        "name": clean(each.name, 500) or each.proposal_id,
        "allocations": allocations,
        "ext": {"interchange": wire.ProposalOrigin(**_at(agent), source_proposal_id=each.proposal_id)},
    }
    return wire.InterchangeProposal.model_validate({**each.raw, **own})


def _incomplete(agent: AgentResult) -> list[dict[str, Any]]:
    """AdCP's scopes, each with the seller's name before it; of one that said nothing, all products."""
    said = shown.scopes_in_adcp(agent)
    return [{**each, "description": f"{agent.agent_name}: {each['description']}"[:500]} for each in said]


def _applied(each: Applied) -> dict[str, Any]:
    made: dict[str, Any] = {"scope": each.wish.scope.value, "status": each.verdict.value}
    if each.wish.scope is not Scope.REQUEST:
        made[f"{each.wish.scope.value}_id"] = each.wish.id
    return {**made, "notes": clean(each.notes)} if each.notes else made


def _execution(seen: Found) -> wire.QueryExecution:
    by_shop: dict[int, list[AgentResult]] = {}
    for each in seen.agents:
        by_shop.setdefault(each.storefront_id, []).append(each)
    return wire.QueryExecution(
        execution_id=seen.session.id,
        revision=seen.session.revision,
        results_complete=seen.is_complete,
        provisional=not seen.is_complete,
        candidate_count=seen.tally.products,
        storefront_results=[_storefront(each) for each in by_shop.values()],
        pending_agents=[_pending(each) for each in seen.pending] or None,
        evaluation=wire.EvaluationNotRun(),
        screening=wire.ScreeningNotRun(),
        retry_with_longer_wait_available=True if seen.longer_wait_helps else None,
        poll_after_ms=_POLL_AFTER_MS if seen.pending else None,
        guidance=seen.guidance,
    )


def _storefront(agents: Sequence[AgentResult]) -> wire.StorefrontResult:
    states = {"incomplete" if each.is_partial else _STATES[each.state] for each in agents}
    messages = [said for each in agents if (said := clean(each.message, 500))]
    state: Any = next(each for each in _WORST if each in states)
    return wire.StorefrontResult(
        storefront_id=str(agents[0].storefront_id),
        storefront_name=agents[0].storefront_name,
        status=state,
        product_count=sum(each.tally.products for each in agents),
        response_time_ms=max((each.duration_ms for each in agents if each.duration_ms is not None), default=None),
        error="; ".join(messages) or None,
    )


def _pending(agent: AgentResult) -> wire.QueryPendingAgent:
    at = wire.QueryStorefrontRef(storefront_id=str(agent.storefront_id), storefront_name=agent.storefront_name)
    return wire.QueryPendingAgent(agent_id=agent.agent_id, agent_name=agent.agent_name, storefronts=[at])
