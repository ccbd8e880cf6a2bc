"""What every answer about a session rests on: what it searches for, and what is left of its budget."""

from __future__ import annotations

from buyside.domain import searches, selections
from buyside.domain.discovery import Discovery
from buyside.domain.money import Money
from buyside.domain.searches import Search
from buyside.domain.selections import BudgetContext
from buyside.services.work import Tx


async def search(tx: Tx, session: Discovery) -> Search:
    currency = session.request.get("currency") or (await tx.advertisers.get(session.advertiser_id)).spec.currency
    return searches.read(session.request, currency)


async def budget(tx: Tx, session: Discovery, wanted: Search) -> BudgetContext | None:
    """The session's budget is what the search named, else the total of the campaign that it is bound to."""
    total: Money | None = None
    if wanted.budget is not None:
        total = Money.of(wanted.budget, wanted.currency)
    elif session.campaign_id is not None:
        total = (await tx.campaigns.get(session.campaign_id)).spec.budget.total
    return selections.context(session.selections, total, wanted.currency)
