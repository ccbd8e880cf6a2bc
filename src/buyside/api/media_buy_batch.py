"""Media buys over REST from what a product query found, in one call."""

from __future__ import annotations

from buyside.api.envelope import Reply, reply
from buyside.api.requests import Signed, router
from buyside.schemas import wishes
from buyside.schemas.batches import CreateMediaBuysBatchBody, CreateMediaBuysBatchResponse
from buyside.schemas.showing import batches as show
from buyside.services import batch

routes = router("Media buys")


@routes.post("/media-buys/batch", operation_id="createMediaBuysBatch", response_model=CreateMediaBuysBatchResponse)
async def create_media_buys_batch(work: Signed, body: CreateMediaBuysBatchBody) -> Reply:
    """Stage DRAFT media buys from a product query, or also send them. Money moves only with mode execute."""
    wanted = wishes.batch(body)
    staging = body.mode == "stage"
    done = await (batch.stage(work, wanted) if staging else batch.execute(work, wanted, debug=body.debug))
    return reply(show.batch(done, body.mode))
