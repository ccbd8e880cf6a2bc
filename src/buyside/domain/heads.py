"""What of a media buy its campaign has to know while the buy itself is not shown: a line instead of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from buyside.domain import budgets
from buyside.domain.amendments import Change
from buyside.domain.creatives import FormatRef, format_key
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy, Package, PendingAt, Status
from buyside.domain.money import Money


@dataclass(frozen=True)
class Outline:
    """The part that many buys of a campaign have alike."""

    pending_at: PendingAt | None = None
    change_at: PendingAt | None = None
    """Where a change of it waits."""
    formats: tuple[FormatRef, ...] = ()
    """Each once, in the order of the packages, with its `format_kind` where a format option tells it."""


@dataclass(frozen=True)
class Head:
    id: MediaBuyId
    status: Status
    allocated: Money
    """`budgets.allocation` of the whole buy."""
    outline: Outline


def head(buy: MediaBuy) -> Head:
    return Head(buy.id, buy.status, budgets.allocation(buy), outline(buy))


def outline(buy: MediaBuy) -> Outline:
    formats: dict[object, FormatRef] = {}
    for package in buy.packages:
        for form in package.format_ids:
            if (key := format_key(form)) not in formats:
                kind = _kind(form, package)
                formats[key] = {**form, "format_kind": kind} if kind else form
    change = waiting_change(buy)
    return Outline(
        buy.pending.at if buy.pending else None, change_at(change) if change else None, tuple(formats.values())
    )


def waiting_change(buy: MediaBuy) -> Change | None:
    """What its seller has still to decide on, as far as the buyer still wants it."""
    return None if buy.change is None or buy.change.withdrawn else buy.change


def change_at(change: Change) -> PendingAt:
    return PendingAt.UNKNOWN if change.is_unknown else PendingAt.SALES_AGENT


def _kind(form: FormatRef, package: Package) -> str | None:
    """The canonical kind, where a format option of the product names this format as its own."""
    for option in package.format_options:
        if any(each.get("id") == form.get("id") for each in _named(option)):
            kind = option.get("format_kind")
            return str(kind) if kind else None
    return None


def _named(option: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    refs = option.get("v1_format_ref")
    return [each for each in refs if isinstance(each, Mapping)] if isinstance(refs, list) else []
