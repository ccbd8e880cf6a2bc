"""What a write would do, and why it would be refused: nothing is called and nothing is written (ruling 0.17)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

from buyside.schemas.wire import Maybe, Number, Raw, Response

AnyJson = Annotated[Any, WithJsonSchema({})]


class PreviewChange(Response):
    path: str
    before: AnyJson
    after: AnyJson


class PreviewOperation(Response):
    media_buy_id: str
    sales_agent_id: str
    storefront_id: str
    tool: str
    amount_before: Maybe[Number] = None
    amount_after: Maybe[Number] = None
    currency: str
    arguments: Raw


class PreviewRefusal(Response):
    code: str
    message: str
    field: Maybe[str] = None
    media_buy_id: Maybe[str] = None


class PreviewResponse(Response):
    preview: Literal[True]
    changes: list[PreviewChange]
    operations: list[PreviewOperation]
    refusals: list[PreviewRefusal]
    warnings: list[str]
