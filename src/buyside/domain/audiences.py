"""Audiences of an advertiser, and which of them a campaign targets or leaves out (interchange.md 2.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain.errors import Invalid, Issue
from buyside.domain.ids import AdvertiserId


class Status(StrEnum):
    PROCESSING = "PROCESSING"
    ERROR = "ERROR"
    READY = "READY"
    TOO_SMALL = "TOO_SMALL"


class Kind(StrEnum):
    TARGET = "TARGET"
    SUPPRESS = "SUPPRESS"


@dataclass(frozen=True)
class Audience:
    id: str
    advertiser_id: AdvertiserId
    name: str | None
    status: Status
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Link:
    """An audience on a campaign. One that was taken off stays, not enabled; the moments are None until it is stored."""

    audience_id: str
    kind: Kind
    enabled: bool = True
    enabled_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True)
class Wish:
    """None: that list was left out. `replacing`: the lists become the whole sets, one left out counts as empty."""

    target: tuple[str, ...] | None = None
    suppress: tuple[str, ...] | None = None
    replacing: bool = False


def linked(now: Sequence[Link], wish: Wish) -> tuple[Link, ...]:
    """The links after a wish. An audience is targeted or suppressed, never both: the later word moves it.

    Raises: Invalid for one that is in both lists.
    """
    both = set(wish.target or ())
    clashes = [
        Issue(("audienceConfig", "suppressAudienceIds", index), f"{each} is targeted and suppressed at once.")
        for index, each in enumerate(wish.suppress or ())
        if each in both
    ]
    if clashes:
        raise Invalid.of(clashes)
    wanted = {each: Kind.TARGET for each in wish.target or ()} | {each: Kind.SUPPRESS for each in wish.suppress or ()}
    kept = [link if _stays(link, wanted, wish) else replace(link, enabled=False) for link in now]
    held = {(link.audience_id, link.kind) for link in kept if link.enabled}
    return (*kept, *(Link(each, kind) for each, kind in wanted.items() if (each, kind) not in held))


def _stays(link: Link, wanted: Mapping[str, Kind], wish: Wish) -> bool:
    return link.enabled and wanted.get(link.audience_id, None if wish.replacing else link.kind) is link.kind


def stamped(links: Sequence[Link], now: datetime) -> tuple[Link, ...]:
    """With the moments of what is new."""
    return tuple(
        replace(
            link,
            enabled_at=link.enabled_at or now,
            disabled_at=link.disabled_at if link.enabled else link.disabled_at or now,
        )
        for link in links
    )


def require_known(links: Iterable[Link], before: Iterable[Link], known: Iterable[str]) -> None:
    """Raises: Invalid naming the newly linked audiences that the advertiser does not have."""
    there, had = set(known), {link.audience_id for link in before if link.enabled}
    issues = [
        Issue(("audienceConfig", f"{link.kind.value.lower()}AudienceIds"), f"There is no audience {link.audience_id}.")
        for link in links
        if link.enabled and link.audience_id not in there and link.audience_id not in had
    ]
    if issues:
        raise Invalid.of(issues)


def facts(link: Link) -> dict[str, Any]:
    return {
        "audienceId": link.audience_id,
        "type": link.kind.value,
        "enabled": link.enabled,
        "enabledAt": link.enabled_at and link.enabled_at.isoformat(),
        "disabledAt": link.disabled_at and link.disabled_at.isoformat(),
    }


def of_facts(written: Sequence[Mapping[str, Any]]) -> tuple[Link, ...]:
    return tuple(
        Link(each["audienceId"], Kind(each["type"]), each["enabled"], _at(each["enabledAt"]), _at(each["disabledAt"]))
        for each in written
    )


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
