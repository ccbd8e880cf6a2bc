from __future__ import annotations

from collections.abc import Sequence

from buyside.domain.frequency import KeptCap
from buyside.schemas import frequency as wire


def caps(kept: Sequence[KeptCap]) -> list[wire.FrequencyCap] | None:
    return [
        wire.FrequencyCap(
            id=str(each.id),
            target_level=each.level.value,
            target_id=each.target,
            max_impressions=each.cap.max_impressions,
            window=wire.FrequencyCapWindow(interval=each.cap.interval, unit=each.cap.unit.value),
            created_at=each.created_at,
            updated_at=each.updated_at,
            archived_at=each.archived_at,
        )
        for each in kept
    ] or None
