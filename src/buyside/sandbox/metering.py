"""What money bought: impressions, clicks and views. The same money buys the same, so reports agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from buyside.sandbox import Doc, amounts, pacing
from buyside.sandbox.catalogue import CLICK_RATE, COMPLETION_RATE
from buyside.sandbox.codec import short_hash
from buyside.sandbox.seller import Seller


@dataclass(frozen=True)
class Count:
    """Minor units, and whole contacts."""

    spent: int = 0
    impressions: int = 0
    clicks: int = 0
    completed_views: int | None = None

    def __sub__(self, earlier: Count) -> Count:
        views = None if self.completed_views is None else self.completed_views - (earlier.completed_views or 0)
        return Count(
            self.spent - earlier.spent, self.impressions - earlier.impressions, self.clicks - earlier.clicks, views
        )

    def doc(self, currency: str) -> Doc:
        doc: Doc = {
            "impressions": self.impressions,
            "spend": amounts.major(self.spent, currency),
            "clicks": self.clicks,
        }
        if self.impressions:
            doc["ctr"] = min(round(self.clicks / self.impressions, 6), 1)
        if self.completed_views is None:
            return doc
        rate = min(round(self.completed_views / self.impressions, 6), 1) if self.impressions else None
        return {**doc, "completed_views": self.completed_views, "completion_rate": rate}


class Meter:
    def __init__(self, seller: Seller, package: Doc, part: Fraction = Fraction(1)) -> None:
        """`part`: how much of what it delivered it admits."""
        product = seller.catalogue.product(package["product_id"])
        option = product.option(package["pricing_option_id"]) if product else None
        assert product is not None
        assert option is not None
        self._option = option
        self.bid = None if package["bid"] is None else Decimal(package["bid"])
        self._parts = pacing.stretches(package)
        channel = product.template.channel
        self._part = part
        # Each package does a little better or worse than its channel, and always the same.
        luck = Fraction(90 + int(short_hash(package["package_id"]), 16) % 21, 100)
        self._clicking = CLICK_RATE.get(channel, Fraction(1, 2000)) * luck
        shows_views = channel in COMPLETION_RATE or channel == "olv"
        self._completing = COMPLETION_RATE.get(channel, Fraction(7, 10)) if shows_views else None

    def _units(self, until: datetime) -> Fraction:
        """Impressions, clicks or completed views: whatever is paid for."""
        units = Fraction(0)
        for part in self._parts:
            bid = None if part.bid is None else Decimal(part.bid)
            price = Fraction(self._option.paid(bid).scaleb(amounts.PLACES[self._option.currency]))
            if price:
                units += part.spent(until) * (1000 if self._option.model == "cpm" else 1) / price
        return units

    def until(self, moment: datetime) -> Count:
        """From the first day to that instant."""
        units = self._units(moment) * self._part
        spent = int(pacing.spent_of(self._parts, moment) * self._part)
        if self._option.model == "cpc":
            return Count(spent, int(units / self._clicking), int(units))
        if self._option.model == "cpcv":
            impressions = units / (self._completing or 1)
            return Count(spent, int(impressions), int(impressions * self._clicking), int(units))
        views = None if self._completing is None else int(units * self._completing)
        return Count(spent, int(units), int(units * self._clicking), views)
