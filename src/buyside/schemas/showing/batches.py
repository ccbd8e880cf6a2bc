from __future__ import annotations

from typing import Literal

from buyside.schemas import batches as wire
from buyside.schemas.showing import campaigns as show
from buyside.schemas.showing import media_buys as buys
from buyside.services.batch import Done
from buyside.services.campaigns import Executed

_MOST_REFS = 100
"""Source: interchange.md 3.11."""


def batch(done: Done, mode: Literal["stage", "execute"]) -> wire.CreateMediaBuysBatchResponse:
    executed = done.executed
    return wire.CreateMediaBuysBatchResponse(
        product_query_id=done.session.id,
        campaign_id=done.view.campaign.id,
        campaign_created=done.created,
        mode=mode,
        campaign_status=done.view.campaign.status.value,
        query_products_selected=len(done.session.selections),
        proposals_applied=done.proposals,
        media_buys_staged=done.staged,
        media_buys_executed=executed.attempted if executed else 0,
        media_buy_refs=[buys.ref(each) for each in done.view.heads[:_MOST_REFS]],
        media_buy_refs_truncated=len(done.view.buys) > _MOST_REFS,
        success=executed is None or executed.success,
        no_op=done.is_no_op,
        errors=_errors(executed) if executed else None,
        warnings=[*done.warnings, *(_warnings(executed) if executed else [])] or None,
    )


def _errors(executed: Executed) -> list[wire.BatchError] | None:
    shown = show.executed(executed).errors or []
    return [
        wire.BatchError(
            media_buy_id=each.media_buy_id, sales_agent_id=each.sales_agent_id, message=each.message, debug=each.debug
        )
        for each in shown
    ] or None


def _warnings(executed: Executed) -> list[str]:
    said = [
        f"{buy}: creative {each.creative_id} was dropped: {each.reason}"
        for buy, dropped in executed.dropped
        for each in dropped
    ]
    return [*said, f"{', '.join(executed.stale)}: {show.STALE_HINT}"] if executed.stale else said
