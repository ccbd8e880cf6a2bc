from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.domain.decisions import Decision
from buyside.schemas import decisions as wire
from buyside.schemas.wire import plain


def decision(entry: Decision) -> wire.Decision:
    subject = entry.subject
    return wire.Decision(
        decision_id=entry.id,
        timestamp=entry.at,
        entry_type=entry.entry_type.value,
        created_via=entry.created_via.value,
        action=entry.action,
        text=entry.text,
        subject=wire.DecisionSubject(
            type=subject.type,
            id=subject.id,
            advertiser_id=None if subject.advertiser_id is None else str(subject.advertiser_id),
            campaign_id=subject.campaign_id,
            media_buy_id=subject.media_buy_id,
        ),
        surface=entry.surface.value,
        actor=entry.actor,
        key_id=None if entry.key is None else str(entry.key),
        caller_fingerprint=entry.fingerprint,
        reason=entry.reason,
        before=_object(entry.before),
        after=_object(entry.after),
        outcome=_object(entry.outcome),
        tags=list(entry.tags) or None,
        metadata=_object(entry.metadata) if entry.metadata else None,
        reverts=entry.reverts,
        reverted_by=entry.reverted_by,
    )


def _object(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if value is None else {key: plain(each) for key, each in value.items()}
