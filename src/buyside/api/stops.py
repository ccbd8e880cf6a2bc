"""Stops over REST (an extension)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from buyside.api.envelope import reply
from buyside.api.paging import CursorPage, read_moment, write_moment
from buyside.api.requests import Preview, Signed, router
from buyside.domain.ids import AdvertiserId, StopId, StorefrontId
from buyside.domain.stops import Scope
from buyside.schemas.previews import PreviewResponse
from buyside.schemas.showing import stops as show
from buyside.schemas.showing.previews import preview as preview_out
from buyside.schemas.stops import MakeStopBody, StopListResponse, StopResponse, UndoStopBody
from buyside.services import stops

routes = router("Stops")
_KIND = "stops"

StopPath = Annotated[StopId, Path(alias="stopId", min_length=1, max_length=255)]


@routes.post("/stops", operation_id="makeStop", response_model=StopResponse | PreviewResponse)
async def make_stop(work: Signed, body: MakeStopBody, preview: Preview = False) -> Response:
    """Pause everything that can spend: the whole account, an advertiser, a seller's storefront, or both at once.

    While it stands nothing in its scope begins to spend, and only undoing it resumes what it paused. With `preview`
    nothing is done.
    """
    scope = _scope(body)
    if preview:
        return reply(preview_out(await stops.preview_make(work, scope, body.reason)))
    return reply(show.standing(await stops.make(work, scope, body.reason)))


@routes.get("/stops", operation_id="listStops", response_model=StopListResponse)
async def list_stops(work: Signed, part: CursorPage) -> Response:
    """List stops, newest first, those that were undone too."""
    page = await stops.page(work, after=read_moment(_KIND, part.cursor), limit=part.take, offset=part.skip)
    last = page.stops[-1] if page.has_more else None
    answer = StopListResponse(
        stops=[show.summary(each) for each in page.stops],
        total=page.total,
        has_more=page.has_more,
        next_cursor=write_moment(_KIND, last.made_at, last.id) if last else None,
    )
    return reply(answer, meta=part.meta(len(page.stops), page.total, more=page.has_more))


@routes.get("/stops/{stopId}", operation_id="getStop", response_model=StopResponse)
async def get_stop(work: Signed, stop_id: StopPath) -> Response:
    """Show a stop and how the media buys in its scope stand now."""
    return reply(show.standing(await stops.get(work, stop_id)))


@routes.post("/stops/{stopId}/undo", operation_id="undoStop", response_model=StopResponse | PreviewResponse)
async def undo_stop(
    work: Signed, stop_id: StopPath, body: UndoStopBody | None = None, preview: Preview = False
) -> Response:
    """Let what this stop paused spend again; what a person, a campaign or another stop keeps paused stays so.

    With `preview` nothing is done.
    """
    if preview:
        return reply(preview_out(await stops.preview_undo(work, stop_id)))
    signed = work.because(body.reason) if body is not None and body.reason is not None else work
    return reply(show.standing(await stops.undo(signed, stop_id)))


def _scope(body: MakeStopBody) -> Scope:
    return Scope(
        None if body.advertiser_id is None else AdvertiserId(body.advertiser_id),
        None if body.storefront_id is None else StorefrontId(body.storefront_id),
    )
