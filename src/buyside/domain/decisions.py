"""The decision log: one entry for every write, with who, through which surface, before, after and why (ruling 0.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain.accounts import Surface
from buyside.domain.errors import Conflict
from buyside.domain.ids import DecisionId, KeyId


class EntryType(StrEnum):
    DECISION = "decision"
    OUTCOME = "outcome"
    ANOMALY = "anomaly"
    EDIT = "edit"


class CreatedVia(StrEnum):
    AD_SYNC = "ad_sync"
    ADMIN = "admin"
    TOOL = "tool"


@dataclass(frozen=True)
class Subject:
    """What an entry is about: `type` is the noun (campaign, media_buy, advertiser …)."""

    type: str
    id: str
    advertiser_id: int | None = None
    campaign_id: str | None = None
    media_buy_id: str | None = None


@dataclass(frozen=True)
class Decision:
    """Model: ads-tools.md 1.4. Append-only: a revert is a new entry that names the old one."""

    id: DecisionId
    at: datetime
    entry_type: EntryType
    created_via: CreatedVia
    action: str
    """Verb in the past: "campaign.paused"."""
    text: str
    subject: Subject
    surface: Surface
    actor: str
    key: KeyId | None = None
    fingerprint: str | None = None
    """Prefix of a keyed HMAC of the calling key: tells callers apart, opens nothing."""
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    outcome: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reverts: DecisionId | None = None
    reverted_by: DecisionId | None = None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only the keys that differ, from both sides."""
    keys = [k for k in {**before, **after} if before.get(k) != after.get(k)]
    return {k: before.get(k) for k in keys}, {k: after.get(k) for k in keys}


@dataclass(frozen=True)
class Wanted:
    """Which entries; None: any."""

    entry_type: EntryType | None = None
    advertiser_id: int | None = None
    campaign_id: str | None = None
    media_buy_id: str | None = None
    subject_type: str | None = None
    subject_id: str | None = None


def taken_back(entry: Decision, now: Mapping[str, Any]) -> Mapping[str, Any]:
    """What to set so that the entry's change is undone, where all that it changed still stands as it left it.

    Raises: Conflict naming what has changed since.
    """
    after = entry.after or {}
    moved = [name for name in after if name not in now or now[name] != after[name]]
    if moved:
        raise Conflict(
            f"{', '.join(moved)} changed again after this decision; revert the later decisions first.",
            details={"changed": {name: now.get(name) for name in moved}},
        )
    return entry.before or {}
