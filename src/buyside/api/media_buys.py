"""Media buys over REST."""

from __future__ import annotations

from buyside.api.envelope import Reply, reply
from buyside.api.requests import MediaBuyPath, Preview, Signed, router
from buyside.schemas import asking_edits
from buyside.schemas.edits import UpdateMediaBuyRequest, UpdateMediaBuyResponse
from buyside.schemas.media_buys import (
    BuyerMediaBuyPackagesResponse,
    BuyerMediaBuyResponse,
    MediaBuyStatusChangeResponse,
)
from buyside.schemas.previews import PreviewResponse
from buyside.schemas.showing import media_buys as show
from buyside.schemas.showing.previews import preview as show_preview
from buyside.services import media_buys
from buyside.services.campaigns import one_buy, previewing

routes = router("Media buys")


@routes.get("/media-buys/{mediaBuyId}", operation_id="getMediaBuy", response_model=BuyerMediaBuyResponse)
async def get_media_buy(work: Signed, media_buy_id: MediaBuyPath) -> Reply:
    """One media buy and where it stands, as last known."""
    return reply(show.media_buy(await media_buys.get(work, media_buy_id)))


@routes.patch(
    "/media-buys/{mediaBuyId}", operation_id="updateMediaBuy", response_model=UpdateMediaBuyResponse | PreviewResponse
)
async def update_media_buy(
    work: Signed, media_buy_id: MediaBuyPath, body: UpdateMediaBuyRequest, preview: Preview = False
) -> Reply:
    """Change one media buy, at its seller where it is placed. Dates outside the campaign's flight widen it."""
    asked = asking_edits.media_buy(media_buy_id, body)
    if preview:
        return reply(show_preview(await previewing.update_media_buy(work, asked)))
    return reply(show.updated(await one_buy.update(work, asked)))


@routes.get(
    "/media-buys/{mediaBuyId}/packages",
    operation_id="getMediaBuyPackages",
    response_model=BuyerMediaBuyPackagesResponse,
)
async def get_packages(work: Signed, media_buy_id: MediaBuyPath) -> Reply:
    """Its packages, with what the seller says of their delivery now."""
    return reply(show.packages(await media_buys.packages(work, media_buy_id)))


@routes.post(
    "/media-buys/{mediaBuyId}/pause",
    operation_id="pauseMediaBuy",
    response_model=MediaBuyStatusChangeResponse | PreviewResponse,
)
async def pause_media_buy(work: Signed, media_buy_id: MediaBuyPath, preview: Preview = False) -> Reply:
    """Stop this media buy's spending at its seller; reactivating the campaign does not resume it."""
    if preview:
        return reply(show_preview(await previewing.pause_media_buy(work, media_buy_id)))
    return reply(show.changed(await media_buys.pause(work, media_buy_id)))


@routes.post(
    "/media-buys/{mediaBuyId}/reactivate",
    operation_id="reactivateMediaBuy",
    response_model=MediaBuyStatusChangeResponse | PreviewResponse,
)
async def reactivate_media_buy(work: Signed, media_buy_id: MediaBuyPath, preview: Preview = False) -> Reply:
    """Let this media buy spend again."""
    if preview:
        return reply(show_preview(await previewing.reactivate_media_buy(work, media_buy_id)))
    return reply(show.changed(await media_buys.reactivate(work, media_buy_id)))
