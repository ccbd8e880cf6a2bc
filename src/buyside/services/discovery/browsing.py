"""Reading a session: a page of what was found so far, one product of it."""

from __future__ import annotations

import asyncio

from buyside.domain import groups, qualified
from buyside.domain.accounts import Right
from buyside.domain.discovery import AgentResult, AgentState, Discovery
from buyside.domain.errors import NotFound
from buyside.domain.groups import Found, Page, Place
from buyside.domain.ids import AgentId, DiscoveryId
from buyside.domain.products import Product
from buyside.domain.searches import Narrowing, Search
from buyside.services.discovery import showing
from buyside.services.work import Tx, Work

_LOOK_EVERY = 0.5
"""Seconds between two looks into a session that is waited for; other processes may be filling it."""


async def browse(
    work: Work,
    discovery_id: DiscoveryId,
    *,
    narrowing: Narrowing = Narrowing(),
    page: Page = Page(),
    since: int | None = None,
    wait_seconds: int = 0,
) -> Found:
    """What the session holds now; no seller is asked. Raises: NotFound.

    `since`: only groups that came in after that revision. `wait_seconds`: how long to wait for something newer than
    `since`, or for the last seller, while sellers are still answering.
    """
    work.require(Right.READ)
    await _news(work, discovery_id, since, wait_seconds)
    async with work.reading() as tx:
        session = await tx.discoveries.get(discovery_id, offers=False)
        agents = groups.asked(await tx.discoveries.standing(discovery_id), work.now())
        loaded = groups.asked(await _loaded(tx, session, agents, narrowing, page, since), work.now())
        search = await showing.search(tx, session)
        budget = await showing.budget(tx, session, search)
    waited = max((each.wait_seconds or 0 for each in agents), default=0) or groups.QUICK_WAIT
    return groups.found(session, search, loaded, narrowing, page, wait_seconds=waited, budget=budget, since=since)


async def _news(work: Work, discovery_id: DiscoveryId, since: int | None, seconds: int) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while (left := until - clock()) > 0:
        async with work.reading() as tx:
            session = await tx.discoveries.get(discovery_id, offers=False)
            agents = groups.asked(await tx.discoveries.standing(discovery_id), work.now())
        newer = since is not None and session.revision > since
        if newer or not any(each.state is AgentState.PENDING for each in agents):
            return
        await asyncio.sleep(min(_LOOK_EVERY, left))


async def _loaded(
    tx: Tx, session: Discovery, agents: list[AgentResult], narrowing: Narrowing, page: Page, since: int | None
) -> list[AgentResult]:
    """The same agents; with their products those that are on the page, or all where products are filtered."""
    only = None
    if not narrowing.by_product:
        only = [each.agent_id for each in groups.on_page(groups.shown(agents, narrowing, since), page)]
        if not only:
            return agents
    offers = {each.agent_id: each for each in await tx.discoveries.agents(session.id, only)}
    return [offers.get(each.agent_id, each) for each in agents]


async def products(
    work: Work, seen: Found, *, since: int | None, start: Place | None, count: int
) -> tuple[list[tuple[AgentResult, Product]], Place | None]:
    """The next `count` products of a search from `start` on, seller by seller, and where those after them begin."""
    work.require(Right.READ)
    visible = groups.shown(seen.agents, Narrowing(), since)
    parts, following = groups.spans(visible, start, count)
    held = {each.agent_id: each for each in visible}
    missing = [name for name, _ in parts if not held[name].products]
    if missing:
        async with work.reading() as tx:
            held |= {each.agent_id: each for each in await tx.discoveries.agents(seen.session.id, missing)}
    rows = [(held[name], held[name].shelf[position]) for name, part in parts for position in _still(held[name], part)]
    return rows, following


def _still(agent: AgentResult, part: range) -> range:
    """An offer may have become shorter between two reads."""
    return part[: max(0, len(agent.shelf) - part.start)]


async def details(
    work: Work, discovery_id: DiscoveryId, product_id: str, agent_id: AgentId
) -> tuple[Search, AgentResult, Product]:
    """One product of the session. Raises: NotFound."""
    work.require(Right.READ)
    origin = qualified.read(product_id)
    async with work.reading() as tx:
        session = await tx.discoveries.get(discovery_id)
        search = await showing.search(tx, session)
    found = session.find(origin.id if origin else product_id, agent_id)
    if found is None or (origin is not None and origin.agent_id != agent_id):
        raise NotFound(f"Product {product_id} of {agent_id} is not in discovery session {discovery_id}.")
    return search, *found
