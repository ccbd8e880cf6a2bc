"""From a selection to DRAFT media buys: one buy a sales agent, one package a product (interchange.md 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from buyside.domain import goals, media_buys
from buyside.domain.campaigns import SELLER_PACING, Campaign, CampaignSpec
from buyside.domain.discovery import AgentResult, Selection
from buyside.domain.errors import CurrencyMismatch, Invalid, Issue
from buyside.domain.ids import AgentId, MediaBuyId
from buyside.domain.media_buys import MediaBuy, Package, Status
from buyside.domain.money import Money, total
from buyside.domain.products import PricingOption, Product


@dataclass(frozen=True)
class Pick:
    """A selected product, found again in the session's offers."""

    selection: Selection
    product: Product
    agent: AgentResult


Key = tuple[AgentId, str, str | None]


def staged_keys(buys: Sequence[MediaBuy]) -> set[Key]:
    """The products that sit on a buy that is not over; a selection of them is not staged again."""
    return {
        (buy.agent_id, package.product_id, package.selection_id)
        for buy in buys
        if buy.status not in media_buys.TERMINAL
        for package in buy.packages
    }


def stale(buys: Sequence[MediaBuy], selections: Sequence[Selection]) -> list[MediaBuyId]:
    """DRAFT buys with a product that is no longer selected: they are placed as they stand, and said so."""
    chosen = {(s.agent_id, s.product_id, s.selection_id) for s in selections}
    return [
        buy.id
        for buy in buys
        if buy.status is Status.DRAFT
        and any((buy.agent_id, p.product_id, p.selection_id) not in chosen for p in buy.packages)
    ]


@dataclass(frozen=True)
class Staging:
    """What staging makes or extends. `changed` existed before."""

    new: tuple[MediaBuy, ...] = ()
    changed: tuple[MediaBuy, ...] = ()


def stage(
    campaign: Campaign,
    picks: Sequence[Pick],
    buys: Sequence[MediaBuy],
    *,
    room: Money,
    fee_percent: Decimal,
    new_id: Callable[[], MediaBuyId],
    now: datetime,
) -> Staging:
    """Put every pick that no live buy holds on its agent's DRAFT buy.

    `room`: gross, what is not allocated yet; products without a budget of their own share it evenly.
    Raises: Invalid naming each pick that cannot be bought, CurrencyMismatch, and Invalid when nothing is left to share.
    """
    taken = staged_keys(buys)
    fresh = [p for p in picks if (p.agent.agent_id, p.product.product_id, p.selection.selection_id) not in taken]
    if not fresh:
        return Staging()
    options = _options(fresh, campaign.currency)
    budgets = _budgets(fresh, room, campaign.currency)
    by_agent: dict[AgentId, list[Package]] = {}
    for pick, option, budget in zip(fresh, options, budgets, strict=True):
        by_agent.setdefault(pick.agent.agent_id, []).append(_package(campaign, pick, option, budget))
    drafts = {b.agent_id: b for b in buys if b.status is Status.DRAFT and not b.unsettled}
    agents = {p.agent.agent_id: p.agent for p in fresh}
    new, changed = [], []
    for agent_id, packages in by_agent.items():
        if (draft := drafts.get(agent_id)) is not None:
            changed.append(replace(draft, packages=_numbered(draft.packages, packages)))
        else:
            new.append(_buy(campaign, agents[agent_id], packages, fee_percent, new_id(), now))
    return Staging(tuple(new), tuple(changed))


def follow(draft: MediaBuy, before: CampaignSpec, after: CampaignSpec) -> MediaBuy:
    """A DRAFT buy after an edit of its campaign: what it had from the campaign, it has from it still."""
    old, new = before.flight, after.flight
    if (draft.start, draft.end) == (old.start, old.end):
        draft = replace(draft, start=new.start, end=new.end)
    if draft.goals == goals.for_packages(before.performance_config):
        draft = replace(draft, goals=goals.for_packages(after.performance_config))
    return draft


def gross_room(media_left: Money, fee_percent: Decimal) -> Money:
    """The largest gross amount whose media part fits into what is left."""
    if media_left.minor <= 0:
        return Money.zero(media_left.currency)
    guess = Money(int(Decimal(media_left.minor) * 100 / (Decimal(100) - fee_percent)), media_left.currency)
    while guess - guess.share(fee_percent, Decimal(100)) > media_left:
        guess = Money(guess.minor - 1, guess.currency)
    return guess


def _options(picks: Sequence[Pick], currency: str) -> list[PricingOption]:
    issues: list[Issue] = []
    found: list[PricingOption] = []
    for index, pick in enumerate(picks):
        option = pick.product.option(pick.selection.pricing_option_id, currency)
        if option is None and pick.selection.pricing_option_id is None:
            raise CurrencyMismatch(
                f"{pick.product.name} ({pick.product.product_id}) is not sold in {currency}.", field="budget.currency"
            )
        if option is None:
            issues.append(Issue(("products", index, "pricingOptionId"), "The seller has no such pricing option."))
        elif option.currency != currency:
            raise CurrencyMismatch(
                f"Pricing option {option.pricing_option_id} of {pick.product.product_id} is in {option.currency}, "
                f"the campaign in {currency}.",
                field=f"products[{index}].pricingOptionId",
            )
        elif not option.is_fixed and pick.selection.bid is None:
            issues.append(Issue(("products", index, "bidPrice"), f"{pick.product.name} is an auction: it needs a bid."))
        else:
            found.append(option)
    if issues:
        raise Invalid.of(issues)
    return found


def _budgets(picks: Sequence[Pick], room: Money, currency: str) -> list[Money]:
    own = [
        Money.of(p.selection.budget, currency, field=f"products[{i}].budget")
        if p.selection.budget is not None
        else None
        for i, p in enumerate(picks)
    ]
    without = [i for i, amount in enumerate(own) if amount is None]
    if not without:
        return [amount for amount in own if amount is not None]
    left = room - total([amount for amount in own if amount is not None], currency)
    if left.minor < len(without):
        raise Invalid(
            f"{len(without)} selected products have no budget of their own and nothing of the campaign's is left to "
            "share; give them one or raise the total.",
            field="budget.total",
        )
    shares = iter(left.split([1] * len(without)))
    return [amount if amount is not None else next(shares) for amount in own]


def _package(campaign: Campaign, pick: Pick, option: PricingOption, budget: Money) -> Package:
    pacing = campaign.spec.budget.pacing
    return Package(
        ref="",
        product_id=pick.product.product_id,
        product_name=pick.product.name,
        publisher_name=pick.product.publisher_domains[0] if pick.product.publisher_domains else None,
        pricing_option_id=option.pricing_option_id,
        pricing_model=option.model,
        price=option.rate,
        min_spend=option.min_spend,
        budget=budget,
        bid=None if option.is_fixed else pick.selection.bid,
        pacing=SELLER_PACING[pacing] if pacing else None,
        targeting=pick.selection.targeting,
        format_ids=pick.product.format_ids,
        format_options=pick.product.format_options,
        selection_id=pick.selection.selection_id,
    )


def _numbered(before: Sequence[Package], more: Sequence[Package]) -> tuple[Package, ...]:
    return (*before, *(replace(p, ref=f"p{n}") for n, p in enumerate(more, start=len(before) + 1)))


def _buy(
    campaign: Campaign,
    agent: AgentResult,
    packages: Sequence[Package],
    fee_percent: Decimal,
    buy_id: MediaBuyId,
    now: datetime,
) -> MediaBuy:
    return MediaBuy(
        id=buy_id,
        campaign_id=campaign.id,
        agent_id=agent.agent_id,
        agent_name=agent.agent_name,
        storefront_id=agent.storefront_id,
        name=f"{campaign.spec.name} at {agent.agent_name}"[:255],
        status=Status.DRAFT,
        packages=_numbered((), packages),
        currency=campaign.currency,
        start=campaign.spec.flight.start,
        end=campaign.spec.flight.end,
        fee_percent=fee_percent,
        goals=goals.for_packages(campaign.spec.performance_config),
        created_at=now,
        updated_at=now,
    )
