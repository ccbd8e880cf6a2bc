"""Picking products: added, taken out, replaced, or laid out as a seller's proposal says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from buyside.domain import selections
from buyside.domain.accounts import Right
from buyside.domain.decisions import Subject
from buyside.domain.discovery import AgentResult, Discovery, Selection
from buyside.domain.errors import Invalid
from buyside.domain.ids import AgentId, CampaignId, DiscoveryId
from buyside.domain.money import Money
from buyside.domain.products import Proposal
from buyside.domain.selections import BudgetContext, Choice, Plan
from buyside.services.discovery import binding, showing
from buyside.services.discovery.binding import Binding
from buyside.services.work import Tx, Work

ADDED, REPLACED = "discovery.products_selected", "discovery.products_replaced"


@dataclass(frozen=True)
class Selected:
    """The selection as it stands."""

    session: Discovery
    agents: Mapping[AgentId, AgentResult]
    """Of the session, without their products."""
    budget: BudgetContext | None
    binding: Binding


@dataclass(frozen=True)
class AppliedProposal:
    selected: Selected
    agent: AgentResult
    proposal: Proposal
    plan: Plan


async def selected(work: Work, discovery_id: DiscoveryId) -> Selected:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await standing(tx, await tx.discoveries.get(discovery_id, offers=False))


async def add(
    work: Work,
    discovery_id: DiscoveryId,
    choices: Sequence[Choice],
    *,
    replacing: bool = False,
    campaign_id: CampaignId | None = None,
) -> Selected:
    """Select products of the session; with `replacing`, these and no others.

    With a campaign the session is bound to it first. Raises: NotFound; Invalid naming each product that cannot be
    selected, or a campaign that buys elsewhere; CurrencyMismatch.
    """
    work.require(Right.DISCOVERY)
    async with work.reading() as tx:
        offered = await tx.discoveries.get(discovery_id)
        search = await showing.search(tx, offered)
    chosen = selections.chosen(offered, choices, search.currency, work.now())
    if campaign_id is not None:
        await binding.require(work, offered, campaign_id)
    return await _change(
        work,
        discovery_id,
        REPLACED if replacing else ADDED,
        lambda now: selections.merged(now.selections, chosen, replacing=replacing),
    )


async def remove(work: Work, discovery_id: DiscoveryId, product_ids: Sequence[str]) -> Selected:
    """Take products out of the selection; what is not in it is passed over. Raises: NotFound."""
    work.require(Right.DISCOVERY)
    return await _change(
        work, discovery_id, "discovery.products_removed", lambda now: selections.without(now, product_ids)
    )


async def apply_proposal(
    work: Work, discovery_id: DiscoveryId, proposal_id: str, *, total: Decimal | None = None, replacing: bool = False
) -> AppliedProposal:
    """Select a seller's proposal, the total (without one, what the seller recommends) shared out as it says.

    Raises: NotFound; Invalid for a proposal that is not in the session, or of which nothing can be bought.
    """
    work.require(Right.DISCOVERY)
    async with work.reading() as tx:
        offered = await tx.discoveries.get(discovery_id)
        search = await showing.search(tx, offered)
    agent, proposal = one_proposal(offered, proposal_id)
    given = None if total is None else Money.of(total, search.currency, field="totalBudget")
    plan = selections.allotted(agent, proposal, given or selections.recommended(proposal, search.currency), work.now())
    changed = await _change(
        work,
        discovery_id,
        "discovery.proposal_applied",
        lambda now: selections.merged(now.selections, plan.selections, replacing=replacing),
        {"proposalId": proposal.proposal_id, "salesAgentId": agent.agent_id, "totalBudget": str(plan.used)},
    )
    return AppliedProposal(changed, agent, proposal, plan)


def one_proposal(session: Discovery, proposal_id: str) -> tuple[AgentResult, Proposal]:
    """Raises: Invalid when there is none of that id, or several."""
    found = selections.proposals(session, proposal_id)
    if not found:
        raise Invalid(f"Proposal {proposal_id} is not in discovery session {session.id}.", field="proposalId")
    if len(found) > 1:
        names = ", ".join(agent.agent_name for agent, _ in found)
        raise Invalid(f"Several sellers call a proposal {proposal_id}: {names}.", field="proposalId")
    return found[0]


async def _change(
    work: Work,
    discovery_id: DiscoveryId,
    action: str,
    change: Callable[[Discovery], list[Selection]],
    more: Mapping[str, Any] | None = None,
) -> Selected:
    async with work.writing() as tx:
        session = await tx.discoveries.lock(discovery_id, offers=False)
        after = await write(tx, session, change(session), action, more)
        return await standing(tx, after)


async def write(
    tx: Tx, session: Discovery, selected: Sequence[Selection], action: str, more: Mapping[str, Any] | None = None
) -> Discovery:
    """The new selection and its entry in the log; the same as before: neither. The session is locked by the caller."""
    after = replace(session, selections=tuple(selected))
    if after.selections != session.selections:
        await tx.discoveries.select(session.id, after.selections)
        await _record(tx, action, session, after, more)
    return after


async def _record(
    tx: Tx, action: str, before: Discovery, after: Discovery, more: Mapping[str, Any] | None = None
) -> None:
    was, now = selections.told(before.selections), selections.told(after.selections)
    await tx.record(
        action,
        f"{len(now)} products are selected, {len(was)} were",
        Subject("discovery", after.id, after.advertiser_id, after.campaign_id),
        before={"products": was},
        after={"products": now},
        metadata=more,
    )


async def standing(tx: Tx, session: Discovery) -> Selected:
    agents = {each.agent_id: each for each in await tx.discoveries.standing(session.id)}
    search = await showing.search(tx, session)
    return Selected(session, agents, await showing.budget(tx, session, search), await binding.state(tx, session))
