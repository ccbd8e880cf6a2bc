"""Is the server well? Never wrapped, and asked without a key (interchange.md 1.12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request, Response

from buyside.schemas.wire import Instant, Maybe
from buyside.schemas.wire import Response as Payload


class HealthServices(Payload):
    """A word for each part: ready, or what is wrong."""

    database: str
    jobs: Maybe[str] = None
    mcp: Maybe[str] = None


class HealthResponse(Payload):
    status: Literal["ok", "degraded"]
    version: str
    commit_sha: str
    in_flight_jobs: int
    services: HealthServices
    timestamp: Instant


class Health:
    """What a check found: each service in a word, "ready" when it is."""

    def __init__(self, services: Mapping[str, str], in_flight_jobs: int, at: datetime) -> None:
        self.services, self.in_flight_jobs, self.at = services, in_flight_jobs, at

    @property
    def ready(self) -> bool:
        return all(state == "ready" for state in self.services.values())


Check = Callable[[], Awaitable[Health]]
router = APIRouter(tags=["Health"])


@router.get(
    "/health",
    operation_id="getHealth",
    response_model=HealthResponse,
    responses={503: {"model": HealthResponse, "description": "A part is not ready."}},
)
async def get_health(request: Request) -> Response:
    """Tell whether the server and what it stands on are ready.

    503 while a part is not.
    """
    state = request.app.state
    found: Health = await state.health()
    answer = HealthResponse(
        status="ok" if found.ready else "degraded",
        version=state.about.version,
        commit_sha=state.about.commit,
        in_flight_jobs=found.in_flight_jobs,
        services=HealthServices.model_validate(found.services),
        timestamp=found.at,
    )
    return Response(answer.model_dump_json(), 200 if found.ready else 503, media_type="application/json")
