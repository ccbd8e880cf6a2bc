"""Products over REST, in AdCP's own words."""

from __future__ import annotations

from buyside.api.envelope import Reply, reply
from buyside.api.paging import read_cursor, write_cursor
from buyside.api.requests import Signed, router
from buyside.domain.errors import Invalid
from buyside.domain.groups import Place
from buyside.domain.ids import AgentId
from buyside.schemas import wishes
from buyside.schemas.queries import GetProductsBody, GetProductsResponse
from buyside.schemas.showing import queries as show
from buyside.services import products
from buyside.services.products import Queried

routes = router("Discovery")
_KIND = "products"


@routes.post("/products/query", operation_id="getMarketplaceProducts", response_model=GetProductsResponse)
async def query_products(work: Signed, body: GetProductsBody) -> Reply:
    """AdCP get_products, asked of every storefront in scope. Its ids are good for media-buys/batch."""
    execution_id, start = _place(body)
    done = await products.query(work, wishes.query(body, execution_id, start))
    return reply(show.queried(done, _cursor(done), body.context))


def _place(body: GetProductsBody) -> tuple[str | None, Place | None]:
    """The earlier query that is meant, and where in its products a cursor points."""
    scope = body.ext.interchange if body.ext else None
    named = scope.execution_id if scope else None
    cursor = body.pagination.cursor if body.pagination else None
    if cursor is None:
        return named, None
    try:
        execution_id, agent_id, offset = read_cursor(_KIND, cursor, [str, str, int])
    except Invalid as wrong:
        raise Invalid(wrong.message, field="pagination.cursor") from None
    if named not in (None, execution_id):
        raise Invalid("This cursor belongs to another execution_id.", field="pagination.cursor")
    return str(execution_id), (AgentId(str(agent_id)), int(offset))


def _cursor(done: Queried) -> str | None:
    return write_cursor(_KIND, [done.seen.session.id, *done.next]) if done.next else None
