"""Creatives, as much as a buy needs to go live: a name, a format, and assets by slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, CreativeId

FormatRef = Mapping[str, Any]


@dataclass(frozen=True)
class CreativeSpec:
    name: str
    message: str | None = None
    format_id: FormatRef | None = None
    template_id: str | None = None
    url_asset: Mapping[str, str] | None = None
    """{"url", "url_type"}."""


@dataclass(frozen=True)
class SellerReview:
    """What one sales agent made of a creative."""

    agent_id: AgentId
    status: str
    """synced, pending, approved, rejected, failed."""
    at: datetime
    message: str | None = None


@dataclass(frozen=True)
class Creative:
    id: CreativeId
    advertiser_id: AdvertiserId
    campaign_id: CampaignId
    spec: CreativeSpec
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
    reviews: Mapping[str, SellerReview] = field(default_factory=dict)
    """By sales agent."""

    def refused_by(self, agent_id: AgentId) -> bool:
        """Whether the agent said no to it; one that took it takes it for its next buy too."""
        review = self.reviews.get(agent_id)
        return review is not None and review.status in {"failed", "rejected"}


def not_kept(sent: CreativeSpec, kept: CreativeSpec) -> tuple[str, ...]:
    """The parts of a creative that were sent and differ from the one that is kept."""
    names = (each.name for each in fields(CreativeSpec) if each.name != "name")
    return tuple(name for name in names if getattr(sent, name) not in (None, getattr(kept, name)))


def same_format(one: FormatRef, other: FormatRef) -> bool:
    """By agent and id; sizes count only where both give them. Trailing slashes of the agent do not."""
    if one.get("id") != other.get("id"):
        return False
    if str(one.get("agent_url", "")).rstrip("/") != str(other.get("agent_url", "")).rstrip("/"):
        return False
    sizes = [(one.get(k), other.get(k)) for k in ("width", "height", "duration_ms")]
    return all(a is None or b is None or a == b for a, b in sizes)


def format_key(form: FormatRef) -> tuple[object, ...]:
    """Equal for formats of which everything that `same_format` looks at is equal."""
    agent = str(form.get("agent_url", "")).rstrip("/")
    return agent, form.get("id"), form.get("width"), form.get("height"), form.get("duration_ms")


def fits(creative: CreativeSpec, formats: tuple[FormatRef, ...]) -> bool:
    """Whether the creative can run where these formats are taken. A product that names none takes any."""
    if not formats:
        return True
    return creative.format_id is not None and any(same_format(creative.format_id, each) for each in formats)
