"""What the services ask of sellers. Intent-named, so that newer AdCP tools are an adapter and not a rewrite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from buyside.domain.answers import Answer, Prepared
from buyside.domain.orders import (
    AccountRef,
    AccountVerdict,
    BuyChange,
    BuyOrder,
    CreativeSync,
    CreativeVerdict,
    DeliveryRow,
    ObservedBuy,
)
from buyside.domain.products import Offer, ProductQuery
from buyside.domain.storefronts import Seller, SellerProfile


class Probing(Protocol):
    async def probe(self, seller: Seller) -> SellerProfile:
        """Ask the seller what it is, over the wire.

        Raises: Unavailable when it cannot be reached, refuses us, or is at a forbidden address; the message is for
        the user and holds no secret.
        """
        ...

    async def forget(self, seller: Seller) -> None:
        """Drop kept-alive connections and sessions: its address or credential changed."""
        ...


class Writing(Protocol):
    """Prepared writes: frozen by `prepare_*` (pure), committed by the caller, then sent by `call`.

    `prepare_*` raises Rejected when the seller's tool does not take what makes the order this order (a budget, a price,
    targeting, a pause, the mark of sandbox money): sent without it, it would be another one. Nothing was sent.
    """

    def prepare_account(self, seller: Seller, account: AccountRef, billing: str, key: str) -> Prepared: ...
    def prepare_creatives(self, seller: Seller, sync: CreativeSync, key: str) -> Prepared: ...
    def prepare_buy(self, seller: Seller, order: BuyOrder, key: str) -> Prepared: ...
    def prepare_change(self, seller: Seller, change: BuyChange, key: str) -> Prepared: ...

    async def call(self, seller: Seller, prepared: Prepared, *, timeout: float, debug: bool = False) -> Answer:
        """Send the frozen bytes once (no repeat of a write inside) and decide the outcome.

        Never raises for what a seller or a network does: that is an Answer. `timeout` (seconds) bounds everything,
        the wait for a free connection included; past it the outcome is UNKNOWN if the request may have left.
        `exchange` is filled when `debug`, and always when the outcome is not ACCEPTED.
        """
        ...

    def observed(self, data: Mapping[str, Any]) -> ObservedBuy | None:
        """The media buy in the answer to a create or an update; None when it names none."""
        ...

    def creative_verdicts(self, data: Mapping[str, Any]) -> Sequence[CreativeVerdict]: ...
    def account_verdict(self, data: Mapping[str, Any], account: AccountRef) -> AccountVerdict | None: ...


class Reading(Protocol):
    """Reads. They raise PlatformError: Unavailable (not reached, timed out), RateLimited, RefusedCredentials, or
    Rejected (the seller said no); `details["code"]` is the seller's own word for it."""

    async def products(self, seller: Seller, query: ProductQuery, *, timeout: float) -> Offer: ...

    async def media_buys(
        self, seller: Seller, account: AccountRef, *, seller_buy_ids: Sequence[str] = (), timeout: float
    ) -> Sequence[ObservedBuy]:
        """Buys in every status (the protocol's default shows only active ones), all pages; all buys of the account
        when no ids are given."""
        ...

    async def delivery(
        self,
        seller: Seller,
        account: AccountRef,
        seller_buy_ids: Sequence[str],
        *,
        start: date,
        end: date,
        timeout: float,
    ) -> Sequence[DeliveryRow]:
        """Delivery per package over [start, end): totals per package, and per day where the seller gives them."""
        ...

    async def task(self, seller: Seller, task_id: str, account: AccountRef, *, timeout: float) -> Answer:
        """Where an asynchronous task stands: its result as the answer to the original call, PENDING while it runs."""
        ...


class Sellers(Probing, Writing, Reading, Protocol):
    async def aclose(self) -> None: ...
