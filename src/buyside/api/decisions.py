"""The decision log over REST (an extension)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from buyside.api.envelope import reply
from buyside.api.paging import CursorPage, read_moment, write_moment
from buyside.api.requests import AdvertiserFilter, DecisionPath, Preview, Signed, router
from buyside.domain.decisions import EntryType, Wanted
from buyside.schemas.decisions import DecisionListResponse, DecisionResponse, EntryTypeName, SubjectType
from buyside.schemas.previews import PreviewResponse
from buyside.schemas.showing import decisions as show
from buyside.schemas.showing.previews import preview as preview_out
from buyside.services import decisions

routes = router("Decisions")

Id = Annotated[str | None, Query(min_length=1, max_length=255)]


async def wanted(
    entry_type: Annotated[EntryTypeName | None, Query(alias="entryType")] = None,
    advertiser_id: AdvertiserFilter = None,
    campaign_id: Annotated[Id, Query(alias="campaignId")] = None,
    media_buy_id: Annotated[Id, Query(alias="mediaBuyId")] = None,
    subject_type: Annotated[SubjectType | None, Query(alias="subjectType")] = None,
    subject_id: Annotated[Id, Query(alias="subjectId")] = None,
) -> Wanted:
    return Wanted(
        EntryType(entry_type) if entry_type else None,
        int(advertiser_id) if advertiser_id else None,
        campaign_id,
        media_buy_id,
        subject_type,
        subject_id,
    )


Which = Annotated[Wanted, Depends(wanted)]
_KIND = "decisions"


@routes.get("/decisions", operation_id="listDecisions", response_model=DecisionListResponse)
async def list_decisions(work: Signed, which: Which, part: CursorPage) -> Response:
    """List what was changed, newest first: who, through which surface, before, after, and why."""
    page = await decisions.page(work, which, after=read_moment(_KIND, part.cursor), limit=part.take, offset=part.skip)
    last = page.entries[-1] if page.has_more else None
    answer = DecisionListResponse(
        decisions=[show.decision(each) for each in page.entries],
        total=page.total,
        total_capped=True if page.is_capped else None,
        has_more=page.has_more,
        next_cursor=write_moment(_KIND, last.at, last.id) if last else None,
    )
    return reply(answer, meta=part.meta(len(page.entries), page.total, more=page.has_more))


@routes.get("/decisions/{decisionId}", operation_id="getDecision", response_model=DecisionResponse)
async def get_decision(work: Signed, decision_id: DecisionPath) -> Response:
    """Show one decision."""
    return reply(DecisionResponse(decision=show.decision(await decisions.get(work, decision_id))))


@routes.post(
    "/decisions/{decisionId}/revert",
    operation_id="revertDecision",
    response_model=DecisionResponse | PreviewResponse,
)
async def revert_decision(work: Signed, decision_id: DecisionPath, preview: Preview = False) -> Response:
    """Put back what a decision changed, if nothing has changed it since; the answer is the decision that does so.

    Reverting a pause lets buys spend again; reverting a reactivation pauses them. With `preview` nothing is done.
    """
    if preview:
        return reply(preview_out(await decisions.preview_revert(work, decision_id)))
    return reply(DecisionResponse(decision=show.decision(await decisions.revert(work, decision_id))))
