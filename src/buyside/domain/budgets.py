"""What is allocated, what is left, and what fees take (interchange.md ruling 0.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from buyside.domain import media_buys, proposals
from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.errors import InsufficientMediaBudget
from buyside.domain.media_buys import MediaBuy, Package
from buyside.domain.money import Money, total


@dataclass(frozen=True)
class Fee:
    term: FeeTerm
    amount: Money


@dataclass(frozen=True)
class Sums:
    fees: tuple[Fee, ...]
    media: Money
    allocated: Money

    @property
    def unallocated(self) -> Money:
        return self.media - self.allocated


def margin(terms: Sequence[FeeTerm]) -> Decimal:
    """The percent that all MARGIN lines take together."""
    return sum((t.margin_percent or Decimal(0) for t in terms if t.pricing is FeePricing.MARGIN), Decimal(0))


def fees(budget: Money, terms: Sequence[FeeTerm]) -> tuple[Fee, ...]:
    """MARGIN: a share of the total, half up. UNIT: nothing while no unit goal is known (ruling 0.1)."""
    return tuple(Fee(term, _amount(budget, term)) for term in terms)


def _amount(budget: Money, term: FeeTerm) -> Money:
    if term.pricing is FeePricing.MARGIN and term.margin_percent is not None:
        return budget.share(term.margin_percent, Decimal(100))
    return Money.zero(budget.currency)


def allocation(buy: MediaBuy) -> Money:
    """Media part of a buy that is not over; of one that is, the media part of what it really delivered, and all of it
    while nobody has read that, or while it is doubted that it is over. While a change is under way the larger of what
    is and what may become."""
    return max(_standing(each) for each in (buy, *proposals.proposed(buy)))


def _standing(buy: MediaBuy) -> Money:
    unread = buy.delivered is None and buy.seller_buy_id is not None and buy.status in media_buys.RAN
    if buy.status in media_buys.TERMINAL and not unread and buy.doubted_until is None:
        return Money.rounded(buy.delivered.spend if buy.delivered else Decimal(0), buy.currency)
    gone = [_spent(buy, package) for package in buy.packages if package.is_canceled]
    return total(gone, buy.currency) + buy.media


def _spent(buy: MediaBuy, package: Package) -> Money:
    """What a package had delivered when it was canceled; all of it while nobody has read that."""
    if package.delivered is None:
        return buy.media_part(package.budget)
    return Money.rounded(package.delivered.spend, buy.currency)


def sums(budget: Money, terms: Sequence[FeeTerm], buys: Sequence[MediaBuy]) -> Sums:
    return sums_of(budget, terms, [allocation(b) for b in buys])


def sums_of(budget: Money, terms: Sequence[FeeTerm], allocations: Sequence[Money]) -> Sums:
    lines = fees(budget, terms)
    media = budget - total([line.amount for line in lines], budget.currency)
    return Sums(lines, media, total(allocations, budget.currency))


def require_room(budget: Money, terms: Sequence[FeeTerm], buys: Sequence[MediaBuy]) -> None:
    """Raises: InsufficientMediaBudget when the buys need more than the total leaves for media."""
    figures = sums(budget, terms, buys)
    if figures.unallocated.minor >= 0:
        return
    least = _least_total(figures.allocated, margin(terms))
    raise InsufficientMediaBudget(
        f"A total of {budget} leaves {figures.media} for media, less than the {figures.allocated} allocated to "
        f"media buys; the least total is {least}.",
        field="budget.total",
        details={
            "requestedTotal": float(budget.major),
            "allocatedBudget": float(figures.allocated.major),
            "minimumAllowedBudget": float(least.major),
        },
    )


def _least_total(media: Money, percent: Decimal) -> Money:
    """The smallest total whose media part holds `media`, to the minor unit."""
    left = Decimal(100) - percent
    guess = Money(int(Decimal(media.minor) * 100 / left), media.currency)
    while guess - guess.share(percent, Decimal(100)) < media:
        guess = Money(guess.minor + 1, guess.currency)
    return guess
