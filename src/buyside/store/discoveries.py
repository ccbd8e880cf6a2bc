from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.discovery import AgentResult, Discovery, Selection
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AdvertiserId, AgentId, CampaignId, DiscoveryId
from buyside.store import codec, offers
from buyside.store.offers import Offered
from buyside.store.tables import discovery, discovery_agent, selection


class DiscoveryRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, discovery_id: DiscoveryId, *, offers: bool = True) -> Discovery:
        """The session with its selections, and with what sellers offered unless `offers` is false.

        Raises: NotFound, also for another account's.
        """
        return await self._one(discovery_id, offers=offers, lock=False)

    async def selected(self, discovery_id: DiscoveryId) -> Discovery:
        """As `get`, with the offers of those agents only of which something is selected. Raises: NotFound."""
        session = await self.get(discovery_id, offers=False)
        wanted = {each.agent_id for each in session.selections}
        return replace(session, agents=await self.agents(discovery_id, wanted)) if wanted else session

    async def lock(self, discovery_id: DiscoveryId, *, offers: bool = True) -> Discovery:
        return await self._one(discovery_id, offers=offers, lock=True)

    async def _one(self, discovery_id: DiscoveryId, *, offers: bool, lock: bool) -> Discovery:
        found = select(discovery).where(discovery.c.account_id == self._owner, discovery.c.id == discovery_id)
        row = (await self._conn.execute(found.with_for_update() if lock else found)).first()
        if row is None:
            raise NotFound(f"There is no discovery session {discovery_id}.")
        return replace(
            _read(row),
            agents=await self.agents(discovery_id) if offers else (),
            selections=await self._selections(discovery_id),
        )

    async def counts(self, ids: Sequence[DiscoveryId]) -> dict[DiscoveryId, int]:
        """How many products each session has selected."""
        rows = await self._conn.execute(
            select(selection.c.discovery_id, func.count().label("many"))
            .join(discovery, discovery.c.id == selection.c.discovery_id)
            .where(discovery.c.account_id == self._owner, selection.c.discovery_id.in_(ids))
            .group_by(selection.c.discovery_id)
        )
        return {DiscoveryId(row.discovery_id): row.many for row in rows}

    async def agents(
        self, discovery_id: DiscoveryId, only: Collection[AgentId] | None = None
    ) -> tuple[AgentResult, ...]:
        """What the session's agents offered, in the order in which they were asked."""
        wanted = [discovery_agent.c.discovery_id == discovery_id]
        if only is not None:
            wanted.append(discovery_agent.c.agent_id.in_(only))
        rows = await self._conn.execute(select(discovery_agent).where(*wanted).order_by(discovery_agent.c.position))
        return tuple(_offer(row) for row in rows)

    async def standing(self, discovery_id: DiscoveryId) -> tuple[AgentResult, ...]:
        """As `agents`, counted and without the products."""
        rows = await self._conn.execute(
            select(discovery_agent.c.result)
            .where(discovery_agent.c.discovery_id == discovery_id)
            .order_by(discovery_agent.c.position)
        )
        return tuple(codec.load(AgentResult, row.result) for row in rows)

    async def recent(
        self, agents: Sequence[AgentId], sessions: int
    ) -> dict[AgentId, list[tuple[AgentResult, datetime]]]:
        """What these agents answered in the account's latest sessions, and when the session last changed."""
        latest = (
            select(discovery.c.id, discovery.c.updated_at)
            .where(discovery.c.account_id == self._owner)
            .order_by(discovery.c.created_at.desc())
            .limit(sessions)
            .subquery()
        )
        rows = await self._conn.execute(
            select(discovery_agent, latest.c.updated_at)
            .join(latest, latest.c.id == discovery_agent.c.discovery_id)
            .where(discovery_agent.c.agent_id.in_(agents))
            .order_by(latest.c.updated_at.desc())
        )
        found: dict[AgentId, list[tuple[AgentResult, datetime]]] = {}
        for row in rows:
            found.setdefault(AgentId(row.agent_id), []).append((_offer(row), row.updated_at))
        return found

    async def _selections(self, discovery_id: DiscoveryId) -> tuple[Selection, ...]:
        rows = await self._conn.execute(
            select(selection.c.body).where(selection.c.discovery_id == discovery_id).order_by(selection.c.position)
        )
        return tuple(_selection(row.body) for row in rows)

    async def add(self, new: Discovery) -> None:
        await self._conn.execute(
            insert(discovery).values(
                id=new.id,
                account_id=self._owner,
                advertiser_id=new.advertiser_id,
                created_at=new.created_at,
                **_head(new),
            )
        )

    async def save(self, changed: Discovery) -> None:
        """The head only: request, revision, campaign."""
        await self._conn.execute(
            update(discovery)
            .where(discovery.c.account_id == self._owner, discovery.c.id == changed.id)
            .values(_head(changed))
        )

    async def set_result(
        self, discovery_id: DiscoveryId, result: AgentResult, position: int, offered: Offered | None = None
    ) -> None:
        """The agent's answer, in place of the one before. `offered`: its products as text, if they were written."""
        values = {"position": position, **_standing(result), **_columns(offered or offers.written(result.products))}
        done = await self._conn.execute(update(discovery_agent).where(*_of(discovery_id, result)).values(values))
        if done.rowcount == 0:
            await self._conn.execute(
                insert(discovery_agent).values(discovery_id=discovery_id, agent_id=result.agent_id, **values)
            )

    async def begin(self, discovery_id: DiscoveryId, agents: Sequence[AgentResult]) -> None:
        """A new question: these agents, in this order, with no products; whoever else was there is forgotten."""
        await self._conn.execute(delete(discovery_agent).where(discovery_agent.c.discovery_id == discovery_id))
        rows = [
            {
                "discovery_id": discovery_id,
                "agent_id": each.agent_id,
                "position": position,
                **_standing(each),
                **_columns(offers.NOTHING),
            }
            for position, each in enumerate(agents)
        ]
        if rows:
            await self._conn.execute(insert(discovery_agent), rows)

    async def set_standing(self, discovery_id: DiscoveryId, result: AgentResult) -> None:
        """How far a known agent came; its products stay as they are."""
        await self._conn.execute(update(discovery_agent).where(*_of(discovery_id, result)).values(_standing(result)))

    async def settle(
        self, discovery_id: DiscoveryId, result: AgentResult, offered: Offered | None, *, asked: int
    ) -> bool:
        """The answer to the question of revision `asked`. False: the agent has been asked anew, and nothing is written.

        `offered` None: the products stay as they are.
        """
        done = await self._conn.execute(
            update(discovery_agent)
            .where(*_of(discovery_id, result), discovery_agent.c.revision == asked)
            .values({**_standing(result), **(_columns(offered) if offered is not None else {})})
        )
        return done.rowcount == 1

    async def select(self, discovery_id: DiscoveryId, chosen: Sequence[Selection]) -> None:
        """Replace the whole selection."""
        await self._conn.execute(delete(selection).where(selection.c.discovery_id == discovery_id))
        for position, each in enumerate(chosen):
            await self._conn.execute(
                insert(selection).values(
                    discovery_id=discovery_id,
                    agent_id=each.agent_id,
                    product_id=each.product_id,
                    selection_id=each.selection_id or "",
                    position=position,
                    selected_at=each.selected_at,
                    body=_picked(each),
                )
            )


def _of(discovery_id: DiscoveryId, result: AgentResult) -> tuple[Any, Any]:
    return discovery_agent.c.discovery_id == discovery_id, discovery_agent.c.agent_id == result.agent_id


def _standing(result: AgentResult) -> dict[str, Any]:
    bare = replace(
        result,
        products=(),
        counted=result.tally,
        proposals=tuple(
            replace(p, raw=codec.plain(p.raw), budget_guidance=codec.plain(p.budget_guidance)) for p in result.proposals
        ),
        incomplete=tuple(codec.plain(each) for each in result.incomplete),
    )
    return {"revision": result.revision, "result": codec.dump(AgentResult, bare)}


def _columns(offered: Offered) -> dict[str, str]:
    return {"facts": offered.facts, "products": offered.products}


def _offer(row: Row[Any]) -> AgentResult:
    bare: AgentResult = codec.load(AgentResult, row.result)
    shelf = offers.read(Offered(row.facts, row.products), bare.tally.products)
    return replace(bare, products=shelf)


def _picked(each: Selection) -> str:
    """One line, and a second one for the product as it was."""
    body = codec.dump(Selection, replace(each, product=None, targeting=codec.plain(each.targeting)))
    return body if each.product is None else f"{body}\n{offers.line(each.product)}"


def _selection(body: str) -> Selection:
    settled, _, product = body.partition("\n")
    found: Selection = codec.load(Selection, settled)
    return replace(found, product=offers.parsed(product)) if product else found


def _head(value: Discovery) -> dict[str, Any]:
    return {
        "campaign_id": value.campaign_id,
        "request": codec.dump(Mapping[str, Any], value.request),
        "revision": value.revision,
        "updated_at": value.updated_at,
    }


def _read(row: Row[Any]) -> Discovery:
    request: dict[str, Any] = codec.load(dict[str, Any], row.request)
    updated: datetime = row.updated_at
    return Discovery(
        DiscoveryId(row.id),
        AdvertiserId(row.advertiser_id),
        CampaignId(row.campaign_id) if row.campaign_id else None,
        request,
        row.revision,
        row.created_at,
        updated,
    )


async def forget_old(conn: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete sessions of any account that no campaign has and nobody touched since `before`; how many there were."""
    old = (
        select(discovery.c.id)
        .where(discovery.c.campaign_id.is_(None), discovery.c.updated_at < before)
        .order_by(discovery.c.updated_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [row.id for row in await conn.execute(old)]
    for table, column in ((selection, "discovery_id"), (discovery_agent, "discovery_id"), (discovery, "id")):
        await conn.execute(delete(table).where(table.c[column].in_(ids)))
    return len(ids)
