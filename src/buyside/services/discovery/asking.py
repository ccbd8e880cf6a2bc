"""One question put to many sellers: every call a task of its own, every answer stored as it comes in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from buyside.domain import refinements, shelves
from buyside.domain.advertisers import Advertiser
from buyside.domain.discovery import AgentResult, AgentState, Discovery, Trouble
from buyside.domain.errors import BuysideError, PlatformError, RateLimited, RefusedCredentials, Unavailable
from buyside.domain.ids import AgentId
from buyside.domain.orders import AccountRef
from buyside.domain.products import Offer, Product, ProductQuery
from buyside.domain.refinements import Part, Plan
from buyside.domain.searches import Search, admits, asked_filters
from buyside.domain.selections import LONGEST_ID
from buyside.domain.shelves import Shelf
from buyside.domain.storefronts import Seller
from buyside.services import profiles, seller_accounts
from buyside.services.work import Work
from buyside.store import offers
from buyside.store.offers import Offered

log = logging.getLogger(__name__)

_INTRODUCE = frozenset({"ACCOUNT_NOT_FOUND", "ACCOUNT_SETUP_REQUIRED"})
"""What a seller says that wants sync_accounts before all else."""
_UNHEARD = frozenset({"NO_ANSWER", "UNREACHABLE", "CIRCUIT_OPEN", "FORBIDDEN_ADDRESS"})
_MANY = 200
"""Products from which on an offer is put into text by a thread: the event loop has other callers."""


@dataclass(frozen=True)
class Question:
    search: Search
    advertiser: Advertiser
    sellers: tuple[Seller, ...]
    limit: float
    """Seconds after which a seller's answer is not waited for any more, in the background either."""
    wait_seconds: int
    """What the caller is ready to wait: sellers that can are asked to be done by then."""
    plan: Plan = field(default_factory=dict)
    """What each seller is to refine; empty for a new search."""
    accounts: Mapping[AgentId, AccountRef] = field(default_factory=dict)
    """The advertiser's account as the sellers know it that know it."""

    @cached_property
    def strangers(self) -> frozenset[AgentId]:
        """Sellers of which nothing was known when the question was put."""
        return frozenset(each.id for each in self.sellers if each.profile is None)


@dataclass(frozen=True)
class Answered:
    result: AgentResult
    offered: Offered | None = None
    """The products as they are stored; None: those that were there stand."""
    refined: Sequence[Mapping[str, Any]] | None = None


class Round:
    """The question under way. It outlives the request that asked it: what comes late lands in the session."""

    def __init__(self, work: Work, session: Discovery, question: Question) -> None:
        self._work, self._session, self._question = work, session, question
        self.answers: dict[AgentId, Answered] = {}
        self.revision = session.revision
        self.begun = asyncio.Event()
        """The first answer is in."""

    async def run(self) -> None:
        waiting = {asyncio.create_task(self._ask(seller)) for seller in self._question.sellers}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                await self._settle([each.result() for each in done])
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _settle(self, batch: Sequence[Answered]) -> None:
        """In one short transaction whatever came in while the one before was written."""
        async with self._work.writing() as tx:
            session = await tx.discoveries.lock(self._session.id, offers=False)
            revision = session.revision + 1
            dated = [replace(each, result=replace(each.result, revision=revision)) for each in batch]
            landed = [
                await tx.discoveries.settle(session.id, each.result, each.offered, asked=self._session.revision)
                for each in dated
            ]
            if any(landed):
                await tx.discoveries.save(replace(session, revision=revision, updated_at=self._work.now()))
                self.revision = revision
        self.answers |= {each.result.agent_id: each for each in dated}
        self.begun.set()

    async def _ask(self, seller: Seller) -> Answered:
        """Never raises: what goes wrong with one seller is its result."""
        clock = asyncio.get_running_loop().time
        began, limit = clock(), self._question.limit
        try:
            # The connector keeps the limit itself; this is for one that does not.
            async with asyncio.timeout(limit + 1):
                answered = await self._offer(seller)
        except TimeoutError:
            answered = self._failed(seller, AgentState.TIMEOUT, f"{seller.name} did not answer within {limit:g} s.")
        except BuysideError as error:
            late = isinstance(error, Unavailable) and clock() - began >= limit
            answered = self._failed(
                seller, AgentState.TIMEOUT if late else AgentState.FAILED, error.message, _trouble(error)
            )
        except Exception:
            log.exception("the answer of %s could not be used", seller.id)
            answered = self._failed(seller, AgentState.FAILED, f"The answer of {seller.name} could not be used.")
        took = round((clock() - began) * 1000)
        return replace(answered, result=replace(answered.result, duration_ms=took))

    async def _offer(self, seller: Seller) -> Answered:
        question = self._question
        met = await profiles.required(self._work, seller)
        account = await self._account(met)
        parts = question.plan.get(seller.id, ())
        if parts and met.profile is not None and not met.profile.takes("get_products", "refine"):
            return self._refined_here(met, parts)
        offer = await self._asked(met, _query(question, parts, account))
        shelf, offered = await _in_text(offer, question.search, parts)
        return self._answered(met, offer, shelf, offered, parts)

    async def _asked(self, seller: Seller, query: ProductQuery) -> Offer:
        """Without an account where the seller has not met ours; with it where that gets no offer; and introduced by
        sync_accounts where it says that it must be: some show nothing to strangers, some nothing but an error."""
        try:
            return await self._products(seller, query)
        except PlatformError as refused:
            account = self._stranger(seller, query)
            if account is None or not _was_heard(refused):
                raise
            wanted = _wants_introduction(refused)
        if not wanted:
            try:
                return await self._products(seller, replace(query, account=account))
            except PlatformError as refused:
                if not _wants_introduction(refused):
                    raise
        await seller_accounts.ensure(self._work, seller, account)
        named = await seller_accounts.known(self._work, seller, account)
        return await self._products(seller, replace(query, account=named))

    async def _products(self, seller: Seller, query: ProductQuery) -> Offer:
        return await self._work.sellers.products(seller, query, timeout=self._question.limit)

    def _stranger(self, seller: Seller, query: ProductQuery) -> AccountRef | None:
        """Our account, where the question did not name it and could."""
        advertiser = self._question.advertiser
        numbered = seller.profile is not None and seller.profile.requires_account_id
        if query.account is not None or numbered or advertiser.spec.brand_domain is None:
            return None
        return seller_accounts.natural(seller, advertiser, self._work.policy)

    async def _account(self, seller: Seller) -> AccountRef | None:
        """Prices may depend on it, but many a seller that has not met it yet would refuse the whole question.

        Raises: Forbidden for a sandbox advertiser at a live seller (ruling 0.7).
        """
        question = self._question
        seller_accounts.check_sandbox(seller, question.advertiser)
        if seller.id not in question.strangers:
            return question.accounts.get(seller.id)
        async with self._work.reading() as tx:
            found = await seller_accounts.established(tx, [seller], question.advertiser, self._work.policy)
        return found.get(seller.id)

    def _answered(
        self, seller: Seller, offer: Offer, shelf: Shelf, offered: Offered, parts: Sequence[Part]
    ) -> Answered:
        gone = refinements.omitted(parts, refinements.Scope.PROPOSAL)
        result = replace(
            self._blank(seller, AgentState.COMPLETE),
            products=shelf,
            counted=shelves.tally(shelf.facts),
            proposals=tuple(p for p in offer.proposals if p.allocations and p.proposal_id not in gone),
            incomplete=offer.incomplete,
        )
        return Answered(result, offered, offer.refinement_applied if parts else None)

    def _refined_here(self, seller: Seller, parts: Sequence[Part]) -> Answered:
        """For a seller that takes no refinements: what is not wanted is left out, the rest stays as it was."""
        before = self._session.agent(seller.id)
        shelf = Shelf.of(refinements.left(before.products if before else (), parts))
        gone = refinements.omitted(parts, refinements.Scope.PROPOSAL)
        result = replace(
            self._blank(seller, AgentState.COMPLETE),
            products=shelf,
            counted=shelves.tally(shelf.facts),
            proposals=tuple(p for p in (before.proposals if before else ()) if p.proposal_id not in gone),
        )
        refused = [{"status": "unable", "notes": "takes no refinements"} for _ in parts]
        return Answered(result, offers.written(shelf), refused)

    def _failed(self, seller: Seller, state: AgentState, message: str, trouble: Trouble | None = None) -> Answered:
        """Nothing from it; what a refinement was to change still stands."""
        result = replace(self._blank(seller, state), message=message, trouble=trouble)
        before = self._session.agent(seller.id)
        if before is not None and self._question.plan:
            result = replace(result, products=before.products, counted=before.tally, proposals=before.proposals)
        return Answered(result)

    def _blank(self, seller: Seller, state: AgentState) -> AgentResult:
        asked = self._session.agent(seller.id)
        assert asked is not None, "every seller of a round has its row"
        return AgentResult(
            seller.id,
            seller.name,
            seller.storefront_id,
            seller.storefront_name,
            state,
            self._session.revision,
            sandbox=seller_accounts.in_sandbox(seller, self._question.advertiser),
            wait_seconds=asked.wait_seconds,
        )


def _query(question: Question, parts: Sequence[Part], account: AccountRef | None) -> ProductQuery:
    search = question.search
    return ProductQuery(
        mode="refine" if parts else search.mode,
        brief=None if parts else search.brief,
        brand_domain=search.brand_domain or question.advertiser.spec.brand_domain,
        filters=asked_filters(search),
        refine=tuple(part.entry() for part in parts),
        account=account,
        time_budget=question.wait_seconds,
    )


async def _in_text(offer: Offer, search: Search, parts: Sequence[Part]) -> tuple[Shelf, Offered]:
    if len(offer.products) > _MANY:
        return await asyncio.to_thread(_kept, offer.products, search, parts)
    return _kept(offer.products, search, parts)


def _kept(products: Sequence[Product], search: Search, parts: Sequence[Part]) -> tuple[Shelf, Offered]:
    """What was asked for, each id once, on a shelf and as text."""
    wanted: dict[str, Product] = {}
    for each in products:
        if len(each.product_id) > LONGEST_ID:
            log.warning("a product with an id of %d characters was left out", len(each.product_id))
        elif admits(search, each):
            wanted.setdefault(each.product_id, each)
    shelf = Shelf.of(refinements.left(wanted.values(), parts))
    return shelf, offers.written(shelf)


def _wants_introduction(error: PlatformError) -> bool:
    return error.details.get("code") in _INTRODUCE


def _was_heard(error: PlatformError) -> bool:
    """Whether the seller itself said no, and not for whom or how often we are."""
    unheard = error.details.get("code") in _UNHEARD
    return not unheard and not isinstance(error, RateLimited | RefusedCredentials)


def _trouble(error: BuysideError) -> Trouble | None:
    code = error.details.get("code") if isinstance(error, PlatformError) else None
    if isinstance(error, RefusedCredentials) or code == "AUTH_REQUIRED":
        return Trouble.CREDENTIALS
    return Trouble.CIRCUIT_OPEN if code == "CIRCUIT_OPEN" else None
