from __future__ import annotations

from buyside.domain.previews import Call, Preview, Refusal
from buyside.schemas import previews as wire
from buyside.schemas.wire import plain


def preview(found: Preview) -> wire.PreviewResponse:
    return wire.PreviewResponse(
        preview=True,
        changes=[wire.PreviewChange(path=c.path, before=plain(c.before), after=plain(c.after)) for c in found.changes],
        operations=[_operation(each) for each in found.calls],
        refusals=[_refusal(each) for each in found.refusals],
        warnings=list(found.warnings),
    )


def _operation(call: Call) -> wire.PreviewOperation:
    return wire.PreviewOperation(
        media_buy_id=call.media_buy_id,
        sales_agent_id=call.agent_id,
        storefront_id=str(call.storefront_id),
        tool=call.tool,
        amount_before=None if call.amount_before is None else call.amount_before.major,
        amount_after=None if call.amount_after is None else call.amount_after.major,
        currency=call.currency,
        arguments=dict(call.arguments),
    )


def _refusal(refused: Refusal) -> wire.PreviewRefusal:
    error = refused.error
    return wire.PreviewRefusal(
        code=error.code, message=error.message, field=error.field, media_buy_id=refused.media_buy_id
    )
