"""A session as it is shown: one group a sales agent, a page of groups, a page of each group's products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from buyside.domain import shelves
from buyside.domain.discovery import AgentResult, AgentState, Discovery
from buyside.domain.ids import AgentId
from buyside.domain.products import Product, Proposal
from buyside.domain.refinements import Applied
from buyside.domain.searches import Narrowing, Search, named
from buyside.domain.selections import BudgetContext
from buyside.domain.shelves import Tally

LONGEST_WAIT = 210
"""Seconds. Source: interchange.md 3.12."""
QUICK_WAIT = 28
"""Seconds. The contract says 30, and the vendor's own client has given up by then."""


def wait_seconds(mode: str, seconds: int | None) -> int:
    """How long a caller is ready to wait. A number of its own overrules the mode."""
    return seconds or (LONGEST_WAIT if mode == "long" else QUICK_WAIT)


@dataclass(frozen=True)
class Page:
    """Part of the groups, and part of each group's products."""

    groups: int = 10
    first_group: int = 0
    products: int = 10
    first_product: int = 0


@dataclass(frozen=True)
class Group:
    agent: AgentResult
    products: tuple[Product, ...]
    total: int
    has_more: bool


@dataclass(frozen=True)
class Found:
    """What discover and browse answer."""

    session: Discovery
    search: Search
    groups: tuple[Group, ...]
    total_groups: int
    has_more_groups: bool
    tally: Tally
    proposals: tuple[tuple[AgentResult, Proposal], ...]
    agents: tuple[AgentResult, ...]
    """All that were asked, as they stand."""
    budget: BudgetContext | None
    wait_seconds: int
    refined: tuple[Applied, ...] | None = None
    not_asked: tuple[str, ...] = ()
    """Sentences: whom the search left out, and why."""
    waited_out: bool = False
    """The answer was given although some had not answered: to this reader they are late, not on their way."""

    @property
    def pending(self) -> list[AgentResult]:
        return [each for each in self.agents if each.state is AgentState.PENDING]

    @property
    def late(self) -> list[AgentResult]:
        timed_out = [each for each in self.agents if each.state is AgentState.TIMEOUT]
        return [*timed_out, *(self.pending if self.waited_out else [])]

    @property
    def incomplete(self) -> list[AgentResult]:
        """Those of whom something is missing: all of it, or what they say they could not finish."""
        late = {each.agent_id for each in self.late}
        return [
            each for each in self.agents if each.agent_id in late or each.state is AgentState.FAILED or each.is_partial
        ]

    @property
    def is_complete(self) -> bool:
        return not self.pending

    @property
    def longer_wait_helps(self) -> bool:
        slow = bool(self.late) or any(each.is_partial for each in self.agents)
        return slow and self.wait_seconds < LONGEST_WAIT

    @property
    def responded(self) -> tuple[int, int]:
        """(storefronts that answered in full or failed, storefronts asked)."""
        every = {each.storefront_id for each in self.agents}
        return len(every - {each.storefront_id for each in self.pending}), len(every)

    @property
    def guidance(self) -> str | None:
        said = list(self.not_asked)
        if not self.agents:
            said.append("No seller was asked: connect a storefront, or name others.")
        elif self.pending:
            said.append(
                f"{len(self.pending)} of {len(self.agents)} sellers are still answering. Browse this session with "
                f"sinceRevision={self.session.revision} until resultsComplete is true."
            )
        if self.agents and not self.pending and not self.tally.products:
            said.append("Nothing was found: say more in the brief, or ask for more channels, publishers or prices.")
        return " ".join(said) or None


def asked(agents: Iterable[AgentResult], now: datetime) -> list[AgentResult]:
    """Those that the latest question went to, as they stand now."""
    return [each.as_of(now) for each in agents if each.state is not AgentState.RETIRED]


def shown(agents: Iterable[AgentResult], narrowing: Narrowing, since: int | None = None) -> list[AgentResult]:
    """The agents that have a group to show.

    With `since`, those that came in after that revision, also when they brought nothing: a reader puts the group in
    place of the one it has.
    """
    within = [
        each
        for each in agents
        if named(narrowing.storefront_ids, narrowing.storefront_names, each.storefront_id, each.storefront_name)
    ]
    if since is not None:
        return [each for each in within if each.revision > since and each.state is not AgentState.PENDING]
    if narrowing.by_product:
        return [each for each in within if any(narrowing.shows(one) for one in each.shelf.facts)]
    return [each for each in within if each.tally.products]


def on_page(agents: Sequence[AgentResult], page: Page) -> Sequence[AgentResult]:
    return agents[page.first_group : page.first_group + page.groups]


def group(agent: AgentResult, narrowing: Narrowing, page: Page) -> Group:
    """Reads the products of the page and no others."""
    positions: Sequence[int] = range(len(agent.shelf))
    if narrowing.by_product:
        positions = [n for n, each in enumerate(agent.shelf.facts) if narrowing.shows(each)]
    part = positions[page.first_product : page.first_product + page.products]
    products = tuple(agent.shelf[each] for each in part)
    return Group(agent, products, len(positions), page.first_product + len(products) < len(positions))


Place = tuple[AgentId, int]
"""A product's place in a session: whose, and the how manieth. Agents keep their order, whoever answers late."""


def spans(
    agents: Iterable[AgentResult], start: Place | None, count: int
) -> tuple[list[tuple[AgentId, range]], Place | None]:
    """The next `count` products from `start` on, by what is counted alone, and the place of the one after them."""
    made: list[tuple[AgentId, range]] = []
    begun = start is None
    for each in agents:
        first = 0
        if not begun and start is not None:
            if each.agent_id != start[0]:
                continue
            begun, first = True, start[1]
        part = range(first, min(first + count, each.tally.products))
        if first < each.tally.products and not part:
            return made, (each.agent_id, first)
        if part:
            made.append((each.agent_id, part))
            count -= len(part)
        if part and part.stop < each.tally.products:
            return made, (each.agent_id, part.stop)
    return made, None


def tally(agents: Iterable[AgentResult], narrowing: Narrowing) -> Tally:
    if narrowing.by_product:
        return shelves.tally(one for each in agents for one in each.shelf.facts if narrowing.shows(one))
    return shelves.together(each.tally for each in agents)


def found(
    session: Discovery,
    search: Search,
    agents: Sequence[AgentResult],
    narrowing: Narrowing,
    page: Page,
    *,
    wait_seconds: int,
    budget: BudgetContext | None,
    since: int | None = None,
) -> Found:
    """`agents`: those that were asked; the ones on the page with their products, the others at least counted."""
    visible = shown(agents, narrowing, since)
    within = shown(agents, narrowing)
    part = on_page(visible, page)
    return Found(
        session,
        search,
        tuple(group(each, narrowing, page) for each in part),
        len(visible),
        page.first_group + len(part) < len(visible),
        tally(within, narrowing),
        tuple((each, one) for each in within for one in each.proposals),
        tuple(agents),
        budget,
        wait_seconds,
    )
