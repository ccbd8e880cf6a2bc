"""What sellers say they delivered, by day. Pure: a reading is laid beside what is known, and what to keep comes out.

Spend is kept as the seller reports it: media, in millionths of a major unit (ruling 0.1). `MediaBuy.gross` turns it
into what the buyer pays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime

from buyside.domain.media_buys import MICROS, Delivered, ErrorCode, ErrorOwner, MediaBuy, Trouble
from buyside.domain.orders import DeliveryRow

WHOLE = ""
"""The reference of what a seller does not break down by package."""
MOST_SPEND = 10**12 * MICROS
"""Of one row; more is a mistake of the seller's, and its sums would not fit the store."""
_COUNTED = tuple(field.name for field in fields(Delivered))

Key = tuple[str, date]


@dataclass(frozen=True)
class DeliveryDay:
    """What one package delivered on one UTC day, or all of the buy where `ref` is WHOLE."""

    ref: str
    day: date
    figures: Delivered
    first_read_at: datetime
    read_at: datetime
    final: bool = False
    """The seller will not restate it."""
    inferred: bool = False
    """The seller gives totals only: this is what was new when it was read, put on the day of the reading."""

    @property
    def key(self) -> Key:
        return self.ref, self.day


@dataclass(frozen=True)
class Restated:
    """A day that was over and read, of which the seller now says something else."""

    ref: str
    day: date
    before: Delivered
    after: Delivered


@dataclass(frozen=True)
class Reading:
    """What a reading changes in what is known."""

    days: tuple[DeliveryDay, ...] = ()
    gone: tuple[Key, ...] = ()
    """Replaced by days of another make: by package where it was by buy, reported where it was inferred."""
    restated: tuple[Restated, ...] = ()
    final: bool = False
    """The seller will restate none of it."""


def ours(buy: MediaBuy, rows: Iterable[DeliveryRow]) -> list[DeliveryRow]:
    """The rows of this buy that can be believed: in its currency, and not beyond all measure."""
    mine = [row for row in rows if row.seller_buy_id == buy.seller_buy_id]
    return [row for row in mine if row.currency in (None, buy.currency) and row.spend * MICROS <= MOST_SPEND]


def left_out(buy: MediaBuy, rows: Iterable[DeliveryRow]) -> Trouble | None:
    """What is said of rows that are not counted."""
    for row in rows:
        if row.seller_buy_id != buy.seller_buy_id:
            continue
        if row.currency not in (None, buy.currency):
            said = f"The seller reports delivery in {row.currency}, the buy is in {buy.currency}: it was left out."
            return Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, said)
        if row.spend * MICROS > MOST_SPEND:
            said = f"The seller reports a spend of {row.spend:f} {buy.currency}: it was left out as a mistake."
            return Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, said)
    return None


def delivered(buy: MediaBuy, rows: Sequence[DeliveryRow], *, now: datetime) -> MediaBuy:
    """The buy with these totals. Daily rows only repeat what the totals say."""
    totals = [row for row in ours(buy, rows) if row.day is None]
    by_package = {row.package_id: figures(row) for row in totals if row.package_id is not None}
    whole = next((figures(row) for row in totals if row.package_id is None), None)
    return replace(
        buy,
        packages=tuple(replace(p, delivered=by_package.get(p.package_id or "", p.delivered)) for p in buy.packages),
        delivered=whole or (total(by_package.values()) if by_package else buy.delivered),
        delivered_at=now if totals else buy.delivered_at,
        delivery_read_at=now,
        trouble=left_out(buy, rows) or buy.trouble,
    )


def figures(row: DeliveryRow) -> Delivered:
    value = row.conversion_value
    return Delivered(
        row.impressions,
        int((row.spend * MICROS).to_integral_value()),
        row.clicks,
        row.views,
        row.completed_views,
        row.conversions,
        row.leads,
        None if value is None else int((value * MICROS).to_integral_value()),
    )


def total(several: Iterable[Delivered]) -> Delivered:
    """Their sum; of a figure that nobody gave it stays unknown."""
    listed = list(several)
    sums = {name: _known([getattr(each, name) for each in listed]) for name in _COUNTED}
    return Delivered(**{name: each for name, each in sums.items() if each is not None})


def _known(counts: Sequence[int | None]) -> int | None:
    said = [count for count in counts if count is not None]
    return sum(said) if said else None


def read(buy: MediaBuy, known: Sequence[DeliveryDay], rows: Iterable[DeliveryRow], now: datetime) -> Reading:
    """What to keep of a seller's answer. The same answer read twice changes nothing."""
    mine = ours(buy, rows)
    refs = {p.package_id: p.ref for p in buy.packages if p.package_id is not None}
    by_day = any(row.day is not None for row in mine)
    found = _by_day(known, _keyed(mine, refs), now) if by_day else _by_totals(known, mine, refs, now)
    return replace(found, final=bool(mine) and all(row.is_final for row in mine))


def _keyed(rows: Sequence[DeliveryRow], refs: Mapping[str, str]) -> dict[Key, tuple[Delivered, bool]]:
    """By package and day; what a seller reports under a package id of its own invention is the whole buy's."""
    found: defaultdict[Key, list[DeliveryRow]] = defaultdict(list)
    for row in rows:
        if row.day is not None:
            found[refs.get(row.package_id or "", WHOLE), row.day].append(row)
    return {key: (total(figures(r) for r in same), all(r.is_final for r in same)) for key, same in found.items()}


def _by_day(known: Sequence[DeliveryDay], told: Mapping[Key, tuple[Delivered, bool]], now: datetime) -> Reading:
    before = {each.key: each for each in known}
    days, restated = list[DeliveryDay](), list[Restated]()
    for key, (said, final) in told.items():
        old = before.get(key)
        if old is not None and not old.inferred:
            if old.figures != said and _is_over(old, known):
                restated.append(Restated(*key, old.figures, said))
            elif (old.figures, old.final) == (said, final) and old.read_at.date() > old.day:
                continue
        days.append(DeliveryDay(*key, said, old.first_read_at if old else now, now, final))
    by_buy = {day for ref, day in told if ref == WHOLE}
    by_package = {day for ref, day in told if ref != WHOLE}
    gone = [
        old.key
        for old in known
        if old.key not in told
        and (old.inferred or old.day in (by_package if old.ref == WHOLE else by_buy - by_package))
    ]
    return Reading(tuple(days), tuple(gone), tuple(restated))


def _is_over(old: DeliveryDay, known: Sequence[DeliveryDay]) -> bool:
    """Whether the day was over when it was read. A seller's clock may run ahead of ours: then a later day shows it."""
    return old.read_at.date() > old.day or any(each.day > old.day for each in known)


def _by_totals(
    known: Sequence[DeliveryDay], rows: Sequence[DeliveryRow], refs: Mapping[str, str], now: datetime
) -> Reading:
    """What is new in the totals belongs to the day on which it was read; what they lack is taken off the last days."""
    if not rows:
        return Reading()
    told: defaultdict[str, list[DeliveryRow]] = defaultdict(list)
    for row in rows:
        told[refs.get(row.package_id or "", WHOLE)].append(row)
    if len(told) > 1 and (WHOLE in told or any(each.ref == WHOLE for each in known)):
        told = defaultdict(list, {WHOLE: list(rows)})  # what is by buy in part cannot be split
    days, restated = list[DeliveryDay](), list[Restated]()
    for ref, same in told.items():
        mine = [each for each in known if ref in (WHOLE, each.ref)]
        changed = _spread(ref, mine, total(figures(r) for r in same), now, all(r.is_final for r in same))
        before = {each.key: each for each in mine}
        for each in changed:
            days.append(each)
            old = before.get(each.key)
            if old is not None and old.figures != each.figures and each.day != now.date():
                restated.append(Restated(*each.key, old.figures, each.figures))
    return Reading(tuple(days), (), tuple(restated))


def _spread(
    ref: str, known: Sequence[DeliveryDay], said: Delivered, now: datetime, final: bool
) -> Sequence[DeliveryDay]:
    so_far = total(each.figures for each in known)
    after = {each.key: each for each in known}
    today = (ref, now.date())
    for name in _COUNTED:
        told = getattr(said, name)
        more = 0 if told is None else told - (getattr(so_far, name) or 0)
        if more > 0:
            day = after.get(today) or DeliveryDay(*today, Delivered(), now, now)
            after[today] = _with(day, name, (getattr(day.figures, name) or 0) + more)
        for key in sorted(after, key=lambda k: k[1], reverse=True):
            if more >= 0:
                break
            held = getattr(after[key].figures, name) or 0
            taken = min(held, -more)
            if taken:
                after[key] = _with(after[key], name, held - taken)
            more += taken
    before = {each.key: each for each in known}
    moved = [each for key, each in after.items() if before.get(key) != each]
    done = [each for each in before.values() if final and not each.final and each == after[each.key]]
    return [replace(each, read_at=now, final=final, inferred=each.inferred) for each in (*moved, *done)]


def _with(day: DeliveryDay, name: str, value: int) -> DeliveryDay:
    return replace(day, figures=replace(day.figures, **{name: value}), inferred=True)
