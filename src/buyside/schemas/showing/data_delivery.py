from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buyside.domain.data_delivery import Output
from buyside.schemas import data_delivery as wire


def delivery(resolved: Sequence[tuple[str, Output]]) -> wire.DataDelivery | None:
    return wire.DataDelivery(outputs=[_output(*each) for each in resolved]) if resolved else None


def _output(source: Any, output: Output) -> wire.DataDeliveryOutput:
    assert output.id is not None
    assert output.created_at is not None
    assert output.updated_at is not None
    return wire.DataDeliveryOutput(
        output_config_id=output.id,
        data_delivery_type=output.data_type.value,
        cadence=output.cadence.value,
        sync_weekly_day=output.weekly_day,
        enabled=output.enabled,
        credential_id=str(output.credential_id),
        credential_name=output.credential_name,
        delivery_config=wire.DeliveryConfig(
            type=output.destination.value, path_prefix=output.path_prefix, format=output.format.value
        ),
        source=source,
        created_at=output.created_at,
        updated_at=output.updated_at,
    )
