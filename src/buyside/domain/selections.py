"""What the buyer picks from a session: checked against what was offered, merged, taken out, summed up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain import qualified
from buyside.domain.discovery import AgentResult, Discovery, Selection
from buyside.domain.errors import CurrencyMismatch, Invalid, Issue, Path, dotted
from buyside.domain.ids import AgentId
from buyside.domain.money import RATE_DECIMALS, Money, total
from buyside.domain.products import Allocation, PricingOption, Product, Proposal

MOST = 1000
"""Products selected in one session."""
LONGEST_ID = 255
"""Characters of a product id that can be selected."""


@dataclass(frozen=True)
class Choice:
    """One product as the caller names it. Whatever is not said is looked up in the session."""

    product_id: str
    """The seller's own, or qualified."""
    agent_id: AgentId | None = None
    storefront_id: int | None = None
    group_id: str | None = None
    selection_id: str | None = None
    bid: Decimal | None = None
    budget: Decimal | None = None
    pricing_option_id: str | None = None
    targeting: Mapping[str, Any] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, key: str, message: str, code: str = "invalid") -> None:
        self.key, self.message, self.code = key, message, code


def chosen(
    session: Discovery,
    choices: Sequence[Choice],
    currency: str,
    now: datetime,
    places: Sequence[Path] | None = None,
) -> list[Selection]:
    """The choices as selections. `places`: where each stands in the request; one after the other in `products`.

    Raises: Invalid naming each one that cannot be selected and why; CurrencyMismatch where a price is in another
    currency.
    """
    issues: list[Issue] = []
    made: list[Selection] = []
    at = places or [("products", index) for index in range(len(choices))]
    for place, choice in zip(at, choices, strict=True):
        try:
            made.append(_one(session, choice, currency, now, place))
        except _Refused as refused:
            issues.append(Issue((*place, refused.key), refused.message, refused.code))
    if not issues:
        issues = [Issue((*at[index], "selectionId"), _TWICE, "repeated") for index in _repeats(made)]
    if issues:
        raise Invalid.of(issues)
    return made


_TWICE = "This product is named before: name it once, or give each repeat a selectionId of its own."


def _repeats(made: Sequence[Selection]) -> list[int]:
    seen: set[object] = set()
    found = []
    for index, each in enumerate(made):
        if each.key in seen:
            found.append(index)
        seen.add(each.key)
    return found


def _one(session: Discovery, choice: Choice, currency: str, now: datetime, place: Path) -> Selection:
    agent, product = _found(session, choice)
    if len(product.product_id) > LONGEST_ID:
        raise _Refused("productId", f"Product ids longer than {LONGEST_ID} characters cannot be selected.")
    option = _option(product, choice.pricing_option_id, currency, dotted((*place, "pricingOptionId")))
    _check_bid(product, option, choice.bid)
    if choice.budget is not None:
        _check_budget(choice.budget, currency)
    return Selection(
        product.product_id,
        agent.agent_id,
        now,
        selection_id=choice.selection_id,
        budget=choice.budget,
        bid=choice.bid,
        pricing_option_id=choice.pricing_option_id,
        targeting=choice.targeting,
        group_id=agent.group_id,
        group_name=agent.group_name,
        product=product,
    )


def _found(session: Discovery, choice: Choice) -> tuple[AgentResult, Product]:
    origin = qualified.read(choice.product_id)
    product_id = origin.id if origin else choice.product_id
    offering = [each for each in session.agents if _meant(choice, origin, each)]
    found = [(each, one) for each in offering if (one := session.find(product_id, each.agent_id)) is not None]
    if len(found) > 1:
        selected = {each.agent_id for each in session.selections if each.product_id == product_id}
        found = [each for each in found if each[0].agent_id in selected] or found
    if not found:
        raise _Refused("productId", f"{product_id} is not in discovery session {session.id}.", "not_found")
    if len(found) > 1:
        sellers = ", ".join(f"{agent.agent_name} ({agent.agent_id})" for agent, _ in found)
        raise _Refused("salesAgentId", f"Several sellers offer {product_id}; say which: {sellers}.", "ambiguous")
    return found[0][1]


def _meant(choice: Choice, origin: qualified.Origin | None, agent: AgentResult) -> bool:
    return (
        choice.agent_id in (None, agent.agent_id)
        and choice.storefront_id in (None, agent.storefront_id)
        and choice.group_id in (None, agent.group_id)
        and (origin is None or (origin.agent_id, origin.storefront_id) == (agent.agent_id, agent.storefront_id))
    )


def _option(product: Product, named: str | None, currency: str, path: str) -> PricingOption:
    if named is not None:
        option = product.option(named)
        if option is None:
            known = ", ".join(each.pricing_option_id for each in product.pricing_options) or "none"
            raise _Refused("pricingOptionId", f"{product.product_id} has no pricing option {named}; it has: {known}.")
        if option.currency == currency:
            return option
    elif (usual := product.option(None, currency)) is not None:
        return usual
    elif not product.pricing_options:
        raise _Refused("productId", f"{product.product_id} names no price and cannot be bought.")
    sold = ", ".join(dict.fromkeys(each.currency for each in product.pricing_options))
    raise CurrencyMismatch(f"{product.product_id} is asked for in {currency} and sold in {sold}.", field=path)


def _check_bid(product: Product, option: PricingOption, bid: Decimal | None) -> None:
    if bid is not None and bid != round(bid, RATE_DECIMALS):
        raise _Refused("bidPrice", f"A bid has at most {RATE_DECIMALS} decimals.")
    if option.is_fixed:
        return
    floor = option.floor_price
    if not bid:
        at_least = f" of at least {floor} {option.currency}" if floor is not None else ""
        raise _Refused("bidPrice", f"{product.name} is sold by auction: it needs a bid{at_least}.", "missing")
    if floor is not None and bid < floor:
        raise _Refused("bidPrice", f"{product.name} takes bids from {floor} {option.currency}.", "too_small")


def _check_budget(budget: Decimal, currency: str) -> None:
    try:
        Money.of(budget, currency)
    except Invalid as wrong:
        raise _Refused("budget", wrong.message) from None


def merged(before: Sequence[Selection], more: Sequence[Selection], *, replacing: bool = False) -> list[Selection]:
    """What was selected, with `more` in place of the same instance or after it. Raises: Invalid when it is too many."""
    known = {each.key: each for each in before}
    fresh: dict[tuple[AgentId, str, str | None], Selection] = {}
    for each in more:
        each = _beside(each, {} if replacing else known, fresh)
        fresh[each.key] = replace(each, selected_at=known[each.key].selected_at) if each.key in known else each
    made = list((fresh if replacing else {**known, **fresh}).values())
    if len(made) > MOST:
        raise Invalid(f"A session holds at most {MOST} selected products.", field="products")
    return made


def _beside(each: Selection, *held: Mapping[tuple[AgentId, str, str | None], Selection]) -> Selection:
    """A product of two proposals is bought for each: otherwise one of them would lose a share of its plan."""
    if each.proposal_id is None or each.selection_id is not None:
        return each
    beside = replace(each, selection_id=f"{each.proposal_id[:200]}#1")
    others = {known[each.key].proposal_id for known in held if each.key in known} - {None, each.proposal_id}
    return beside if others or any(beside.key in known for known in held) else each


def without(session: Discovery, product_ids: Iterable[str]) -> list[Selection]:
    """The selection without every instance of these products. What is not selected is passed over."""
    gone: set[tuple[AgentId | None, str]] = set()
    for each in product_ids:
        origin = qualified.read(each)
        gone.add((origin.agent_id, origin.id) if origin else (None, each))
    return [s for s in session.selections if not {(None, s.product_id), (s.agent_id, s.product_id)} & gone]


# ---- proposals


@dataclass(frozen=True)
class Plan:
    """A proposal as selections. `skipped`: products of it that cannot be bought; their share is not given to others."""

    selections: tuple[Selection, ...]
    skipped: tuple[str, ...]
    used: Money


def proposals(session: Discovery, proposal_id: str) -> list[tuple[AgentResult, Proposal]]:
    """The proposals of that id, which may be qualified; sellers' own ids may coincide."""
    origin = qualified.read(proposal_id, qualified.PROPOSAL)
    own = origin.id if origin else proposal_id
    return [
        (agent, each)
        for agent in session.agents
        if origin is None or (origin.agent_id, origin.storefront_id) == (agent.agent_id, agent.storefront_id)
        for each in agent.proposals
        if each.proposal_id == own
    ]


def recommended(proposal: Proposal, currency: str) -> Money:
    """The total that the seller recommends. Raises: Invalid when it recommends none in this currency."""
    guidance = proposal.budget_guidance
    amount, stated = guidance.get("recommended"), guidance.get("currency", currency)
    if not isinstance(amount, int | float | Decimal) or amount <= 0 or stated != currency:
        raise Invalid(f"The proposal recommends no total in {currency}; give one.", field="totalBudget")
    return Money.rounded(Decimal(str(amount)), currency)


def allotted(agent: AgentResult, proposal: Proposal, budget: Money, now: datetime) -> Plan:
    """The total shared out as the seller allocates it; the shares add up to it exactly.

    By auction the bid is the floor, the least that is taken. Raises: Invalid when nothing of it can be bought.
    """
    weights = [each.percentage for each in proposal.allocations]
    if not any(weights):
        raise Invalid(f"Proposal {proposal.proposal_id} allocates nothing.", field="proposalId")
    made: list[Selection] = []
    skipped: list[str] = []
    seen: dict[str, int] = {}
    for each, share in zip(proposal.allocations, budget.split(weights), strict=True):
        selection = _allotted(agent, proposal, each, share, now)
        if selection is None:
            skipped.append(each.product_id)
            continue
        seen[each.product_id] = seen.get(each.product_id, 0) + 1
        if (nth := seen[each.product_id]) > 1:
            selection = replace(selection, selection_id=f"{proposal.proposal_id[:200]}#{nth}")
        made.append(selection)
    if not made:
        raise Invalid(
            f"Nothing of proposal {proposal.proposal_id} can be bought in {budget.currency}.", field="proposalId"
        )
    used = total([Money.of(s.budget, budget.currency) for s in made if s.budget is not None], budget.currency)
    return Plan(tuple(made), tuple(skipped), used)


def _allotted(
    agent: AgentResult, proposal: Proposal, allocation: Allocation, share: Money, now: datetime
) -> Selection | None:
    product = agent.shelf.find(allocation.product_id)
    if product is None or not share or len(product.product_id) > LONGEST_ID:
        return None
    option = product.option(allocation.pricing_option_id)
    if option is None or option.currency != share.currency:
        option = product.option(None, share.currency)
    if option is None or (not option.is_fixed and not option.floor_price):
        return None
    return Selection(
        product.product_id,
        agent.agent_id,
        now,
        budget=share.major,
        bid=None if option.is_fixed else option.floor_price,
        pricing_option_id=option.pricing_option_id,
        group_id=agent.group_id,
        group_name=agent.group_name,
        proposal_id=proposal.proposal_id,
        product=product,
    )


def told(selected: Sequence[Selection]) -> list[dict[str, Any]]:
    """For the decision log."""
    return [
        {
            key: value
            for key, value in {
                "productId": each.product_id,
                "salesAgentId": each.agent_id,
                "selectionId": each.selection_id,
                "budget": each.budget,
                "bidPrice": each.bid,
                "pricingOptionId": each.pricing_option_id,
                "proposalId": each.proposal_id,
                "targetingOverlay": dict(each.targeting) or None,
            }.items()
            if value is not None
        }
        for each in selected
    ]


# ---- sums


@dataclass(frozen=True)
class BudgetContext:
    budget: Money | None
    allocated: Money
    warning: str | None = None

    @property
    def remaining(self) -> Money | None:
        return None if self.budget is None else self.budget - self.allocated


def context(selections: Sequence[Selection], budget: Money | None, currency: str) -> BudgetContext | None:
    """What is allocated of the session's budget. None when there is neither a budget nor a selection."""
    if budget is None and not selections:
        return None
    amounts = [Money.rounded(each.budget, currency) for each in selections if each.budget is not None]
    allocated = total(amounts, currency)
    return BudgetContext(budget, allocated, _warning(selections, budget, allocated, currency))


def _warning(selections: Sequence[Selection], budget: Money | None, allocated: Money, currency: str) -> str | None:
    said = []
    if budget is not None and budget < allocated:
        said.append(f"The selected products come to {allocated}, more than the budget of {budget}.")
    low = [each for each in selections if _below_minimum(each, currency)]
    if low:
        names = ", ".join(each.product_id for each in low[:5])
        said.append(f"Below the seller's minimum spend: {names}.")
    return " ".join(said) or None


def _below_minimum(selection: Selection, currency: str) -> bool:
    if selection.product is None or selection.budget is None:
        return False
    option = selection.product.option(selection.pricing_option_id, currency)
    return option is not None and option.min_spend is not None and selection.budget < option.min_spend
