"""Edits of media buys: what is asked of each, whether it may be, and what follows (interchange.md 3.4, 3.11).

Everything is checked before anything is done, and every refusal is found, not the first alone. Changes of a DRAFT buy
are ours alone; those of a placed one are a `Change` that its seller is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain import budgets, creatives, package_edits, packaging, proposals
from buyside.domain.advertisers import FeeTerm
from buyside.domain.amendments import Change, PackageTerms, Start
from buyside.domain.campaigns import LISTED, Campaign
from buyside.domain.creatives import Creative
from buyside.domain.errors import BuysideError, Conflict, Invalid, NotFound, Path
from buyside.domain.flight import Flight
from buyside.domain.ids import AgentId, CreativeId, MediaBuyId
from buyside.domain.media_buys import LIVE, RAN, Action, MediaBuy, Status
from buyside.domain.money import Money
from buyside.domain.pacing import PacingPeriods
from buyside.domain.package_edits import Findings, PackageEdit, ProductEdit
from buyside.domain.previews import Refusal
from buyside.domain.products import Product


class Do(StrEnum):
    UPDATE = "update"
    CANCEL = "cancel"
    DELETE = "delete"


@dataclass(frozen=True)
class Asked:
    """What is asked of one buy. None means: leave alone."""

    media_buy_id: MediaBuyId
    action: Do = Do.UPDATE
    name: str | None = None
    start: Start | None = None
    end: datetime | None = None
    packages: tuple[PackageEdit, ...] = ()
    products: tuple[ProductEdit, ...] = ()
    goals: tuple[Mapping[str, Any], ...] | None = None
    creative_ids: tuple[str, ...] | None = None
    schedule: Callable[[str], PacingPeriods | None] | None = None
    """Pacing periods of its own in the campaign's currency; what it makes is None where they are taken away."""
    package_ids: tuple[str, ...] = ()
    """To cancel: these alone; none: the whole buy."""
    reason: str | None = None
    suggestion_id: str | None = None
    at: Path = ()
    """Where in the request it stands."""


@dataclass(frozen=True)
class Scene:
    """What the rules look at. `campaign`: as it is after its own part of the same request."""

    campaign: Campaign
    buys: Sequence[MediaBuy]
    now: datetime
    creatives: Sequence[Creative] = ()
    offers: Mapping[tuple[AgentId, str], Product] = field(default_factory=dict)
    """What the campaign's session offers, for another pricing option."""
    alone: bool = False
    """One buy by its own address (PATCH): dates widen the campaign's flight, and what its state forbids is a 409."""


@dataclass(frozen=True)
class Planned:
    """One buy: `after` stands at once, `change` is asked of its seller."""

    before: MediaBuy
    after: MediaBuy
    asked: Asked
    change: Change | None = None
    dropped: tuple[str, ...] = ()
    """Products that are bought no more: their selection goes too, or the next execute would buy them again."""

    @property
    def projected(self) -> MediaBuy:
        """As it is once the seller has agreed."""
        return proposals.applied(self.after, self.change) if self.change else self.after


@dataclass(frozen=True)
class Plan:
    entries: tuple[Planned, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    flight: Flight | None = None
    """The campaign's flight, where the dates of a buy widen it."""

    def projected(self, buys: Sequence[MediaBuy]) -> list[MediaBuy]:
        moved = {entry.before.id: entry.projected for entry in self.entries}
        return [moved.get(buy.id, buy) for buy in buys]

    def require(self) -> None:
        """Raises: what is refused; all findings of one kind together."""
        if self.refusals:
            raise merged([refusal.error for refusal in self.refusals])


def merged(errors: Sequence[BuysideError]) -> BuysideError:
    """The one error that speaks for all: an unknown id first, then what is not valid, every finding in it."""
    unknown = next((each for each in errors if isinstance(each, NotFound)), None)
    invalid = [issue for each in errors if type(each) is Invalid for issue in each.issues]
    if unknown is not None or len(errors) == 1 or not invalid:
        return unknown or errors[0]
    return Invalid.of(invalid)


def plan(scene: Scene, asked: Sequence[Asked]) -> Plan:
    by_id = {buy.id: buy for buy in scene.buys}
    seen: set[MediaBuyId] = set()
    refusals: list[Refusal] = []
    entries: list[Planned] = []
    warnings: list[str] = []
    for each in asked:
        entry = _Entry(scene, each)
        found = entry.plan(by_id.get(each.media_buy_id), again=each.media_buy_id in seen)
        seen.add(each.media_buy_id)
        refusals += [Refusal(error, each.media_buy_id) for error in entry.found.errors]
        warnings += entry.found.warnings
        if found is not None and not entry.found.errors and (found.change is not None or found.after != found.before):
            entries.append(found)
    flight = _widened(scene, entries) if scene.alone else None
    if flight is not None:
        warnings.append("The dates lie outside the campaign's flight, which was widened to hold them.")
    return Plan(tuple(entries), tuple(refusals), tuple(warnings), flight)


def _widened(scene: Scene, entries: Sequence[Planned]) -> Flight | None:
    flight = scene.campaign.spec.flight
    start, end = flight.start, flight.end
    for entry in entries:
        if entry.asked.start is not None:
            start = min(start, entry.asked.start.at or scene.now)
        end = max(end, entry.projected.end)
    return None if (start, end) == (flight.start, flight.end) else Flight(start, end)


class _Entry:
    """One entry on its way through the rules, with what was found wrong so far."""

    def __init__(self, scene: Scene, asked: Asked) -> None:
        self._scene, self._asked = scene, asked
        self.found = Findings(asked.at)

    def plan(self, buy: MediaBuy | None, *, again: bool) -> Planned | None:
        asked, campaign = self._asked, self._scene.campaign
        if again:
            self._refuse(f"Media buy {asked.media_buy_id} stands in this request twice.", "mediaBuyId")
            return None
        if buy is None:
            said = f"There is no media buy {asked.media_buy_id} in this campaign."
            self.found.errors.append(NotFound(said, field=self.found.where("mediaBuyId")))
            return None
        if campaign.status not in LISTED:
            where = self.found.where()
            self.found.errors.append(Invalid(f"A {campaign.status.value} campaign can only be renamed.", field=where))
            return None
        if buy.unsettled:
            said = f"Media buy {buy.id} is being placed and its outcome is not known yet; it settles by itself."
            where, details = self.found.where("mediaBuyId"), {"mediaBuyId": buy.id}
            self.found.errors.append(Conflict(said, field=where, details=details))
            return None
        match asked.action:
            case Do.CANCEL:
                return self._cancel(buy)
            case Do.DELETE:
                return self._delete(buy)
        return self._update(buy)

    def _refuse(self, message: str, *at: str | int) -> None:
        self.found.refuse(message, *at)

    def _illegal(self, buy: MediaBuy, message: str) -> Planned | None:
        """What the state of the buy forbids: 400 in a list of actions, 409 for a buy by its own address."""
        details = {"mediaBuyId": buy.id, "status": buy.status.value}
        field = self.found.where("action")
        if self._scene.alone:
            self.found.errors.append(Conflict(message, details=details))
        else:
            self.found.errors.append(Invalid(message, field=field, details=details))
        return None

    # ---- cancel and delete

    def _cancel(self, buy: MediaBuy) -> Planned | None:
        asked = self._asked
        if buy.status is Status.DRAFT:
            return self._illegal(buy, f"Media buy {buy.id} is DRAFT: nothing is bought yet; delete it instead.")
        if buy.status not in LIVE:
            return self._illegal(buy, f"Media buy {buy.id} is {buy.status.value}: there is nothing left to cancel.")
        if buy.seller_buy_id is None:
            return self._undecided(buy)
        open_packages = [p for p in buy.packages if not p.is_canceled]
        chosen = [self._cancelable(buy, index, each) for index, each in enumerate(asked.package_ids)]
        whole = not asked.package_ids or {*chosen} >= {p.ref for p in open_packages}
        if buy.change is not None and (not whole or not _waits(buy.change) or buy.change.canceled):
            return self._busy(buy)
        if self.found.errors:
            return None
        gone = open_packages if whole else [p for p in open_packages if p.ref in chosen]
        terms = () if whole else tuple(PackageTerms(p.ref, canceled=True) for p in gone)
        change = Change(terms, canceled=whole, reason=asked.reason, behind=buy.change)
        return Planned(buy, buy, asked, change, dropped=tuple(p.product_id for p in gone) if whole else ())

    def _cancelable(self, buy: MediaBuy, index: int, package_id: str) -> str | None:
        package = next((p for p in buy.packages if p.package_id == package_id), None)
        if package is None:
            self._refuse(f"Media buy {buy.id} has no package {package_id}.", "packageIds", index)
        elif package.is_canceled:
            self._refuse(f"Package {package_id} is canceled already.", "packageIds", index)
        return package.ref if package else None

    def _delete(self, buy: MediaBuy) -> Planned | None:
        if buy.status in LIVE:
            return self._illegal(buy, f"Media buy {buy.id} is {buy.status.value} at its seller: cancel it first.")
        if not buy.may(Action.DELETE):
            return self._illegal(buy, f"Media buy {buy.id} is {buy.status.value} already.")
        if buy.status in RAN and buy.seller_buy_id is not None and buy.delivered is None:
            return self._illegal(buy, f"What media buy {buy.id} delivered is still being read; try again shortly.")
        products = tuple(p.product_id for p in buy.packages) if buy.status is Status.DRAFT else ()
        return Planned(buy, replace(buy.then(Action.DELETE), check_at=None), self._asked, dropped=products)

    # ---- update

    def _update(self, buy: MediaBuy) -> Planned | None:
        asked = self._asked
        if buy.status is not Status.DRAFT and buy.status not in LIVE:
            return self._illegal(buy, f"Media buy {buy.id} is {buy.status.value}: it cannot be changed any more.")
        products, dropped = buy.packages, tuple[str, ...]()
        if asked.products and self._may_edit_products(buy):
            products, dropped = package_edits.products(self.found, self._scene.offers, buy, asked.products)
        edited = self._paced(replace(buy, packages=products, name=asked.name or buy.name))
        change = self._change(edited)
        if self.found.errors:
            return None
        if buy.status is Status.DRAFT:
            return Planned(buy, proposals.applied(edited, change), asked, dropped=dropped)
        if change.asks_nothing:
            ids = buy.creative_ids if change.creative_ids is None else change.creative_ids
            return Planned(buy, replace(edited, creative_ids=ids), asked)
        if buy.change is not None:
            return self._busy(buy)
        if buy.seller_buy_id is None:
            return self._undecided(buy)
        return Planned(buy, edited, asked, change)

    def _paced(self, buy: MediaBuy) -> MediaBuy:
        if self._asked.schedule is None:
            return buy
        campaign, at = self._scene.campaign, (*self._asked.at, "pacingPeriods")
        try:
            return packaging.with_pacing(campaign, buy, self._asked.schedule(campaign.currency), at)
        except Invalid as wrong:
            self.found.errors.append(wrong)
            return buy

    def _busy(self, buy: MediaBuy) -> Planned | None:
        return self._illegal(buy, f"An earlier change of media buy {buy.id} is still under way; it is settled first.")

    def _undecided(self, buy: MediaBuy) -> Planned | None:
        return self._illegal(
            buy, f"The seller of media buy {buy.id} has not decided on the order yet: wait until it has."
        )

    def _may_edit_products(self, buy: MediaBuy) -> bool:
        if buy.status is Status.DRAFT:
            return True
        if any(p.package_id is not None for p in buy.packages):
            self._refuse(f"Media buy {buy.id} is placed: change its packages, not its products.", "products")
        else:
            self._undecided(buy)
        return False

    def _change(self, buy: MediaBuy) -> Change:
        """What is to become of the buy, without what is so already."""
        asked = self._asked
        start = asked.start if asked.start is not None and asked.start.at != buy.start else None
        end = asked.end if asked.end != buy.end else None
        self._check_dates(buy)
        terms = {edit.ref: edit for edit in package_edits.packages(self.found, buy, asked.packages)}
        ids = self._assigned(buy)
        for package in buy.packages:
            wanted = _carried(buy, package.ref, ids, self._scene.creatives)
            if wanted is not None:
                terms[package.ref] = replace(terms.get(package.ref, PackageTerms(package.ref)), creative_ids=wanted)
        goals = asked.goals if asked.goals is not None and asked.goals != buy.goals else None
        told = tuple(each for each in terms.values() if not each.is_empty)
        return Change(told, start, end, goals, ids, reason=asked.reason)

    def _check_dates(self, buy: MediaBuy) -> None:
        asked, flight, now = self._asked, self._scene.campaign.spec.flight, self._scene.now
        if asked.start is None and asked.end is None:
            self._check_package_dates(buy, buy.start, buy.end)
            return
        start, end = (asked.start.at or now) if asked.start else buy.start, asked.end or buy.end
        inside = f"the campaign's flight, {flight.start:%Y-%m-%dT%H:%M:%SZ} to {flight.end:%Y-%m-%dT%H:%M:%SZ}"
        if asked.start is not None and start is not None and not self._scene.alone and start < flight.start:
            self._refuse(f"It must start inside {inside}.", "start_time")
        if asked.end is not None and end > flight.end and not self._scene.alone:
            self._refuse(f"It must end inside {inside}.", "end_time")
        if asked.end is not None and end <= now:
            self._refuse("It must end in the future.", "end_time")
        elif start is not None and end <= start:
            self._refuse("It must end after it starts.", "start_time" if asked.end is None else "end_time")
        self._check_package_dates(buy, asked.start.at if asked.start else buy.start, end)

    def _check_package_dates(self, buy: MediaBuy, start: datetime | None, end: datetime) -> None:
        """Packages run inside their buy, those with dates that are kept too."""
        edits = {edit.package_id: edit for edit in self._asked.packages}
        for package in buy.packages:
            edit = edits.get(package.package_id or "")
            first = (edit.start if edit else None) or package.start
            last = (edit.end if edit else None) or package.end
            at = ("packages", self._asked.packages.index(edit)) if edit else ()
            if package.is_canceled or (first is None and last is None):
                continue
            if last is not None and last > end:
                self._refuse("A package ends within its media buy.", *at, "endTime" if edit else "end_time")
            if first is not None and start is not None and first < start:
                self._refuse("A package starts within its media buy.", *at, "startTime" if edit else "start_time")
            if (first or start) is not None and (last or end) <= (first or start or end):
                self._refuse("A package ends after it starts.", *at, "endTime" if edit else "end_time")

    def _assigned(self, buy: MediaBuy) -> tuple[str, ...] | None:
        """The creatives that a person chose, each once; None where nothing was asked."""
        ids = self._asked.creative_ids
        if ids is None:
            return None
        known = {creative.id: creative for creative in self._scene.creatives}
        for index, each in enumerate(ids):
            creative = known.get(CreativeId(each))
            if creative is None:
                self._refuse(f"There is no creative {each} in this campaign.", "creative_ids", index)
            elif not any(creatives.fits(creative.spec, package.format_ids) for package in buy.packages):
                self._refuse(f"No product of this media buy takes the format of {each}.", "creative_ids", index)
        return tuple(dict.fromkeys(ids))


def _waits(change: Change) -> bool:
    """The seller has it to decide: nothing of ours is on its way."""
    return change.task_id is not None


def _carried(buy: MediaBuy, ref: str, ids: tuple[str, ...] | None, known: Sequence[Creative]) -> tuple[str, ...] | None:
    """What is to be on a placed package of those creatives that its seller has; None where it is so already."""
    package = next(p for p in buy.packages if p.ref == ref)
    if ids is None or package.package_id is None or package.is_canceled:
        return None
    there = {c.id for c in known if buy.agent_id in c.reviews and not c.refused_by(buy.agent_id)}
    fitting = {c.id for c in known if creatives.fits(c.spec, package.format_ids)}
    wanted = tuple(each for each in ids if each in there and each in fitting)
    return None if set(wanted) == set(package.creative_ids) else wanted


# ---- money


def require_room(
    before: Money, after: Money, terms: Sequence[FeeTerm], buys: Sequence[MediaBuy], projected: Sequence[MediaBuy]
) -> None:
    """What is not allocated stays at zero or more, by the totals `before` and `after`; what helps is never refused.

    Raises: InsufficientMediaBudget.
    """
    left = budgets.sums(after, terms, projected).unallocated
    if left.minor < 0 and left < budgets.sums(before, terms, buys).unallocated:
        budgets.require_room(after, terms, projected)


def first(
    total: Money, terms: Sequence[FeeTerm], buys: Sequence[MediaBuy], entries: Sequence[Planned]
) -> frozenset[MediaBuyId] | None:
    """The buys whose sellers must give way before the rest may be asked for; None when there is room for all at once,
    or nobody can give way.

    Until a seller agrees, what it holds counts in full: a larger amount elsewhere is not promised on the strength of a
    smaller one that may yet be refused.
    """
    asked = {entry.before.id: replace(entry.after, change=entry.change) for entry in entries}
    under_way = [asked.get(buy.id, buy) for buy in buys]
    giving = frozenset(
        entry.before.id
        for entry in entries
        if entry.change is not None and budgets.allocation(entry.projected) < budgets.allocation(entry.before)
    )
    if not giving or budgets.sums(total, terms, under_way).unallocated.minor >= 0:
        return None
    return giving
