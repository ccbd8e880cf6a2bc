from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buyside.domain.stops import Stop
from buyside.schemas import stops as wire
from buyside.services.stops import Standing
from buyside.services.stops.reading import Line


def summary(stop: Stop) -> wire.StopSummary:
    return wire.StopSummary(**_facts(stop))


def standing(found: Standing) -> wire.StopResponse:
    return wire.StopResponse(
        **_facts(found.stop),
        paused=list(found.paused),
        held=list(found.held),
        resumed=list(found.resumed),
        kept=_lines(found.kept),
        refused=_lines(found.refused),
    )


def _facts(stop: Stop) -> dict[str, Any]:
    scope = stop.scope
    return {
        "stop_id": stop.id,
        "status": "standing" if stop.standing else "undone",
        "advertiser_id": None if scope.advertiser_id is None else str(scope.advertiser_id),
        "storefront_id": None if scope.storefront_id is None else str(scope.storefront_id),
        "reason": stop.reason,
        "made_by": stop.actor,
        "created_at": stop.made_at,
        "undone_by": stop.lifted_by,
        "undone_at": stop.lifted_at,
    }


def _lines(lines: Sequence[Line]) -> list[wire.StopLine]:
    return [wire.StopLine(media_buy_id=each.media_buy_id, message=each.message) for each in lines]
