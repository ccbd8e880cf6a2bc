"""Changes of media buys that wait for their sellers' word."""

from __future__ import annotations

from typing import Literal

from buyside.schemas.wire import Instant, Maybe, Response
from buyside.services.media_buys.update_proposals import Proposal


class UpdateProposal(Response):
    id: str
    status: Literal["PENDING", "APPROVED", "REJECTED"]
    media_buy_id: str
    rejection_reason: Maybe[str] = None
    resolved_at: Maybe[Instant] = None


def shown(found: Proposal) -> UpdateProposal:
    return UpdateProposal(
        id=found.id,
        status=found.standing.value,
        media_buy_id=found.media_buy_id,
        rejection_reason=found.reason,
        resolved_at=found.resolved_at,
    )
