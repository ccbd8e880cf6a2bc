"""Discover: ask, wait as long as the caller will, answer with what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from buyside.domain import groups, refinements, searches
from buyside.domain.accounts import Right
from buyside.domain.discovery import AgentResult, AgentState, Discovery
from buyside.domain.groups import Found
from buyside.domain.ids import DiscoveryId
from buyside.domain.refinements import Applied, Heard
from buyside.domain.searches import Narrowing
from buyside.domain.shelves import Tally
from buyside.domain.storefronts import Seller
from buyside.services.discovery import binding, showing
from buyside.services.discovery.asking import Question, Round
from buyside.services.discovery.scene import Ask, Scene, scene_of
from buyside.services.work import Tx, Work

_FIRST_ANSWER = 2.0
"""Seconds that a progressive answer waits for anybody at all …"""
_FIRST_WAVE = 0.25
"""… and, when the first is in, for those right behind it."""


async def discover(work: Work, ask: Ask) -> Found:
    """Ask the connected sellers, all at once, and answer when all have or the wait is over.

    What comes later lands in the session. Raises: NotFound; Invalid; Conflict for an archived advertiser.
    """
    work.require(Right.DISCOVERY)
    clock = asyncio.get_running_loop().time
    until = clock() + ask.wait_seconds
    scene = await scene_of(work, ask)
    limit = max(work.policy.discovery_timeout, float(ask.wait_seconds))
    opened = await _open(work, ask, scene, limit)
    question = Question(
        scene.search, scene.advertiser, scene.sellers, limit, ask.wait_seconds, scene.plan, scene.accounts
    )
    current = Round(work, opened, question)
    running = work.runtime.background.start(current.run())
    await _wait(running, current, until - clock(), progressive=ask.is_progressive)
    return await _answer(work, ask, scene, opened, current)


async def _wait(running: asyncio.Task[None], current: Round, seconds: float, *, progressive: bool) -> None:
    """Until all are in, or as long as was agreed; a progressive reader sees the first wave only.

    Raises what the round itself raises: the store failed.
    """
    if progressive:
        first = asyncio.create_task(current.begun.wait())
        await asyncio.wait({running, first}, timeout=min(_FIRST_ANSWER, seconds), return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        seconds = min(_FIRST_WAVE, seconds)
    await asyncio.wait({running}, timeout=max(0.0, seconds))
    if running.done():
        running.result()


async def _open(work: Work, ask: Ask, scene: Scene, limit: float) -> Discovery:
    """The session, with a PENDING row for each seller that is about to be asked: committed before the first call."""
    async with work.writing() as tx:
        session = await _head(tx, work, ask, scene)
        # The rows outlive this process: past `until` nobody can be waiting for an answer any more.
        until = work.now() + timedelta(seconds=limit + work.policy.lease_margin)
        rows = [_row(session, each, ask, until) for each in scene.sellers]
        if ask.refine and scene.before is not None:
            session = replace(session, agents=_asked_again(scene.before.agents, rows))
            for each in rows:
                await tx.discoveries.set_standing(session.id, _known(session, each))
        else:
            session = replace(session, agents=(*rows, *_retired(session, scene, rows)))
            await tx.discoveries.begin(session.id, session.agents)
    if scene.campaign is None:
        return session
    return replace(await binding.attach(work, session, scene.campaign), agents=session.agents)


async def _head(tx: Tx, work: Work, ask: Ask, scene: Scene) -> Discovery:
    now, request = work.now(), searches.shown(scene.search)
    if ask.discovery_id is None:
        new = Discovery(DiscoveryId(work.new_id("disc", 20)), ask.advertiser_id, None, request, 1, now, now)
        await tx.discoveries.add(new)
        return new
    known = await tx.discoveries.lock(ask.discovery_id, offers=False)
    changed = replace(known, request=request, revision=known.revision + 1, updated_at=now)
    await tx.discoveries.save(changed)
    return changed


def _row(session: Discovery, seller: Seller, ask: Ask, until: datetime) -> AgentResult:
    return AgentResult(
        seller.id,
        seller.name,
        seller.storefront_id,
        seller.storefront_name,
        AgentState.PENDING,
        session.revision,
        wait_seconds=ask.wait_seconds,
        until=until,
    )


def _asked_again(before: Sequence[AgentResult], rows: Sequence[AgentResult]) -> tuple[AgentResult, ...]:
    """All agents of the session in their order; those asked again still show what they offered before."""
    again = {each.agent_id: each for each in rows}
    return tuple(
        replace(row, products=each.products, counted=each.tally, proposals=each.proposals)
        if (row := again.get(each.agent_id)) is not None
        else each
        for each in before
    )


def _known(session: Discovery, row: AgentResult) -> AgentResult:
    return session.agent(row.agent_id) or row


def _retired(session: Discovery, scene: Scene, rows: Sequence[AgentResult]) -> list[AgentResult]:
    """Agents that are not asked any more and of which something is selected."""
    asked = {each.agent_id for each in rows}
    selected = {each.agent_id for each in session.selections} - asked
    return [
        replace(each, state=AgentState.RETIRED, revision=session.revision, counted=Tally(), proposals=(), incomplete=())
        for each in (scene.before.agents if scene.before else ())
        if each.agent_id in selected
    ]


async def _answer(work: Work, ask: Ask, scene: Scene, opened: Discovery, current: Round) -> Found:
    agents = tuple(
        current.answers[each.agent_id].result if each.agent_id in current.answers else each for each in opened.agents
    )
    session = replace(opened, revision=current.revision, agents=agents)
    async with work.reading() as tx:
        budget = await showing.budget(tx, session, scene.search)
    asked = groups.asked(agents, work.now())
    seen = groups.found(
        session, scene.search, asked, Narrowing(), ask.page, wait_seconds=ask.wait_seconds, budget=budget
    )
    return replace(
        seen,
        refined=_refined(ask, scene, current) if ask.refine else None,
        not_asked=scene.not_asked,
        waited_out=not ask.is_progressive,
    )


def _refined(ask: Ask, scene: Scene, current: Round) -> tuple[Applied, ...]:
    connected = {each.id: each.name for each in scene.sellers}
    heard = []
    for agent_id, parts in scene.plan.items():
        answer = current.answers.get(agent_id)
        if answer is not None:
            excuse = answer.result.message or "did not answer"
            heard.append(Heard(answer.result.agent_name, parts, answer.refined, excuse))
        elif agent_id in connected:
            heard.append(Heard(connected[agent_id], parts, None))
        else:
            heard.append(Heard(agent_id, parts, None, "is not connected any more"))
    return tuple(refinements.applied(ask.refine, heard))
