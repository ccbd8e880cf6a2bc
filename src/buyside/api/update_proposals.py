"""Changes that wait for their sellers, over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from buyside.api.envelope import Reply, nothing, reply
from buyside.api.requests import Signed, router
from buyside.domain.ids import OperationId
from buyside.schemas.update_proposals import UpdateProposal, shown
from buyside.services.media_buys import update_proposals

routes = router("Update proposals")

ProposalPath = Annotated[OperationId, Path(alias="id", min_length=1, max_length=255)]


@routes.get("/update-proposals/{id}", operation_id="getUpdateProposal", response_model=UpdateProposal)
async def get_update_proposal(work: Signed, proposal_id: ProposalPath) -> Reply:
    """How a change stands that its seller has to decide on."""
    return reply(shown(await update_proposals.get(work, proposal_id)))


@routes.delete("/update-proposals/{id}", operation_id="cancelUpdateProposal", status_code=204)
async def cancel_update_proposal(work: Signed, proposal_id: ProposalPath) -> Reply:
    """Take back a change on which its seller has not decided. Should the seller carry it out all the same, the media
    buy is paused."""
    await update_proposals.withdraw(work, proposal_id)
    return nothing()
