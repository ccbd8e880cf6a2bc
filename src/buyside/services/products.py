"""Products in AdCP's own words: one get_products over all storefronts, answered from a discovery session."""

from __future__ import annotations

from dataclasses import dataclass

from buyside.domain.accounts import Right
from buyside.domain.discovery import AgentResult
from buyside.domain.errors import Invalid
from buyside.domain.groups import QUICK_WAIT, Found, Page, Place
from buyside.domain.ids import AdvertiserId, DiscoveryId
from buyside.domain.products import Product
from buyside.domain.refinements import Refinement
from buyside.domain.searches import Wish
from buyside.services import discovery
from buyside.services.discovery import Ask
from buyside.services.work import Work

USUAL = 50
"""Products in an answer. Source: AdCP 3.1 core/pagination-request.json."""
_UNSHOWN = Page(groups=0)
_SCOPE = "ext.interchange"


@dataclass(frozen=True)
class Query:
    """One get_products of ours. With an `execution_id`: a refinement of an earlier one, or the rest of its answer."""

    mode: str
    """AdCP buying_mode."""
    wish: Wish
    advertiser_id: AdvertiserId | None = None
    execution_id: DiscoveryId | None = None
    refine: tuple[Refinement, ...] = ()
    since: int | None = None
    wait_seconds: int | None = None
    start: Place | None = None
    count: int = USUAL


@dataclass(frozen=True)
class Queried:
    seen: Found
    products: tuple[tuple[AgentResult, Product], ...]
    next: Place | None


async def query(work: Work, asked: Query) -> Queried:
    """Ask, refine, or read on. Raises: NotFound; Invalid for what the buying mode needs or does not take."""
    work.require(Right.DISCOVERY)
    _check(asked)
    # Whoever follows a cursor repeats the whole request: that is reading on, and no new refinement.
    if asked.execution_id is not None and (asked.start is not None or not asked.refine):
        seen = await discovery.browse(
            work, asked.execution_id, page=_UNSHOWN, since=asked.since, wait_seconds=asked.wait_seconds or 0
        )
    else:
        seen = await discovery.discover(work, await _ask(work, asked))
    rows, following = await discovery.products(work, seen, since=asked.since, start=asked.start, count=asked.count)
    return Queried(seen, tuple(rows), following)


def _check(asked: Query) -> None:
    if asked.mode == "refine" and not asked.refine:
        raise Invalid("What is to be refined?", field="refine")
    if asked.mode == "refine" and asked.execution_id is None:
        raise Invalid("A refinement names the execution_id that it refines.", field=f"{_SCOPE}.execution_id")
    if asked.mode != "refine" and asked.refine:
        raise Invalid(f"buying_mode {asked.mode} takes no refine.", field="refine")
    if asked.mode == "wholesale" and asked.wish.brief:
        raise Invalid("buying_mode wholesale takes no brief.", field="brief")
    if asked.mode == "brief" and asked.execution_id is None and not asked.wish.brief:
        raise Invalid("buying_mode brief needs a brief.", field="brief")
    if asked.execution_id is None and asked.advertiser_id is None:
        raise Invalid("For which advertiser?", field=f"{_SCOPE}.advertiser_id")


async def _ask(work: Work, asked: Query) -> Ask:
    advertiser_id = asked.advertiser_id
    if advertiser_id is None:
        assert asked.execution_id is not None
        async with work.reading() as tx:
            advertiser_id = (await tx.discoveries.get(asked.execution_id, offers=False)).advertiser_id
    return Ask(
        advertiser_id,
        asked.wish,
        asked.execution_id,
        refine=asked.refine,
        wait_seconds=asked.wait_seconds or QUICK_WAIT,
        page=_UNSHOWN,
        channels=(),
        refine_key="product_id",
    )
