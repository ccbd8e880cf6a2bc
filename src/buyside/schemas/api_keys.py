"""API keys: who may speak for an account (an extension)."""

from __future__ import annotations

from pydantic import Field

from buyside.schemas.accounts import RoleName
from buyside.schemas.wire import ClosedRequest, Instant, Maybe, Name, Response


class CreateApiKeyBody(ClosedRequest):
    name: Name
    role: RoleName = Field(description="What the key may do.")


class ApiKey(Response):
    """A key without what opens: only a keyed hash of that is kept."""

    id: str
    name: str
    role: RoleName
    created_at: Instant
    revoked_at: Maybe[Instant] = None


class ApiKeyCreated(ApiKey):
    """`apiKey` is shown this once."""

    api_key: str


class ApiKeyList(Response):
    items: list[ApiKey]
    total: int
