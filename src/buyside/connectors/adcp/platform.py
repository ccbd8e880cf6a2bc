"""Sellers over AdCP: what the services ask, put into calls, and answers put into our words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from buyside.connectors.adcp import probe as probing
from buyside.connectors.adcp import tasks
from buyside.connectors.adcp.connections import Connections, redactor
from buyside.connectors.adcp.exchanges import exchange
from buyside.connectors.adcp.mapping import observations, products, requests
from buyside.connectors.adcp.outcome import RPCError, TaskResult, decide
from buyside.connectors.adcp.reading import items
from buyside.connectors.adcp.reads import answered, asked, paged, refusal
from buyside.connectors.adcp.redaction import Redactor
from buyside.connectors.adcp.shaping import lists, shaped
from buyside.connectors.adcp.wire import freeze
from buyside.domain.answers import Answer, Dropped, Outcome, Prepared
from buyside.domain.errors import Rejected, Unavailable
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

PROBE_SECONDS = 30.0
MANY = 200
"""Products that are read in some milliseconds; more are for a thread, since the event loop has other callers."""
_POSITION = re.compile(r"\[\d+\]")


class AdCPSellers:
    """The `Sellers` protocol over AdCP."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def probe(self, seller: Seller) -> SellerProfile:
        await self._connections.forget(seller)
        try:
            return await probing.within(self._connections, seller, PROBE_SECONDS)
        except probing.NotThere as absent:
            details = {"code": absent.code} if absent.code else {}
            raise Unavailable(redactor(seller).text(str(absent)), details=details) from None

    async def forget(self, seller: Seller) -> None:
        await self._connections.forget(seller)

    async def aclose(self) -> None:
        await self._connections.aclose()

    def prepare_account(self, seller: Seller, account: AccountRef, billing: str, key: str) -> Prepared:
        return _prepared(seller, "sync_accounts", requests.sync_accounts(account, billing, key), key)

    def prepare_creatives(self, seller: Seller, sync: CreativeSync, key: str) -> Prepared:
        return _prepared(seller, "sync_creatives", requests.sync_creatives(sync, key), key)

    def prepare_buy(self, seller: Seller, order: BuyOrder, key: str) -> Prepared:
        arguments = requests.create_media_buy(order, key, release=requests.release(seller.profile))
        shape = seller.profile.tools.get("create_media_buy") if seller.profile else None
        if lists(shape, "name"):
            arguments["name"] = order.name
        return _prepared(seller, "create_media_buy", arguments, key)

    def prepare_change(self, seller: Seller, change: BuyChange, key: str) -> Prepared:
        return _prepared(seller, "update_media_buy", requests.update_media_buy(change, key), key)

    async def call(self, seller: Seller, prepared: Prepared, *, timeout: float, debug: bool = False) -> Answer:
        reply = await self._connections.to(seller).call(prepared.tool, prepared.body, timeout)
        answer = _without_secrets(decide(reply, prepared.tool), seller)
        if debug or answer.outcome is not Outcome.ACCEPTED:
            shown = exchange(seller, prepared.tool, prepared.body, reply, prepared.dropped)
            answer = replace(answer, exchange=shown)
        return answer

    def observed(self, data: Mapping[str, Any]) -> ObservedBuy | None:
        return observations.answered_buy(data)

    def creative_verdicts(self, data: Mapping[str, Any]) -> Sequence[CreativeVerdict]:
        return observations.creative_verdicts(data)

    def account_verdict(self, data: Mapping[str, Any], account: AccountRef) -> AccountVerdict | None:
        return observations.account_verdict(data, account)

    async def products(self, seller: Seller, query: ProductQuery, *, timeout: float) -> Offer:
        arguments = requests.get_products(query)
        shape = seller.profile.tools.get("get_products") if seller.profile else None
        if lists(shape, "time_budget"):
            seconds = min(int(timeout), query.time_budget or int(timeout))
            arguments["time_budget"] = {"interval": max(1, seconds - 2), "unit": "seconds"}
        connection = self._connections.to(seller)
        pages = await paged(connection, seller, "get_products", arguments, timeout)
        hide = redactor(seller)
        if sum(1 for page in pages for _ in items(page, "products")) < MANY:
            return _joined(pages, hide)
        return await asyncio.to_thread(_joined, pages, hide)

    async def media_buys(
        self, seller: Seller, account: AccountRef, *, seller_buy_ids: Sequence[str] = (), timeout: float
    ) -> Sequence[ObservedBuy]:
        arguments = requests.get_media_buys(account, seller_buy_ids)
        pages = await paged(self._connections.to(seller), seller, "get_media_buys", arguments, timeout)
        wanted = set(seller_buy_ids)
        said = redactor(seller).spoken(pages)
        found = {each.seller_buy_id: each for page in said for each in observations.listed_buys(page)}
        return [each for name, each in found.items() if not wanted or name in wanted]

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
        arguments = requests.get_media_buy_delivery(account, seller_buy_ids, start, end)
        connection = self._connections.to(seller)
        data = await answered(connection, seller, "get_media_buy_delivery", arguments, timeout)
        return observations.delivery_rows(data, seller_buy_ids)

    async def task(self, seller: Seller, task_id: str, account: AccountRef, *, timeout: float) -> Answer:
        connection = self._connections.to(seller)
        reply = await connection.task(task_id, timeout)
        if isinstance(reply, TaskResult):
            return _without_secrets(tasks.followed(reply, task_id), seller)
        if reply is not None and not isinstance(reply, RPCError):
            raise refusal(decide(reply, "tasks/get"), seller)
        tool = _task_tool(seller.profile)
        answer = await asked(connection, seller, tool, _task_question(seller.profile, tool, task_id, account), timeout)
        if answer.outcome in (Outcome.REJECTED, Outcome.UNKNOWN):
            raise refusal(answer, seller)
        return _without_secrets(tasks.standing(answer.data, task_id), seller)


def _task_tool(profile: SellerProfile | None) -> str:
    """The tool for asking after tasks: the current one, unless only an older one is there."""
    tools = profile.tools if profile else {}
    return next((each for each in ("get_task_status", "tasks_get", "tasks/get") if each in tools), "get_task_status")


def _task_question(profile: SellerProfile | None, tool: str, task_id: str, account: AccountRef) -> dict[str, Any]:
    if tool == "get_task_status":
        return requests.get_task_status(task_id, account)
    shape = profile.tools.get(tool) if profile else None
    return requests.tasks_get(task_id, account, scoped=lists(shape, "account"))


def _prepared(seller: Seller, tool: str, arguments: Mapping[str, Any], key: str) -> Prepared:
    """Shaped to the seller and frozen. Raises: Rejected when what would be left is another order than ours."""
    profile = seller.profile
    shape = profile.tools.get(tool) if profile else None
    sent, dropped = shaped(tool, {**arguments, **requests.version_fields(profile, tool)}, shape)
    _must_be_heard(seller, tool, dropped, arguments)
    replayable = profile is not None and profile.replay_ttl is not None and "idempotency_key" in sent
    return Prepared(tool, key, freeze(sent), replayable, dropped)


def _must_be_heard(seller: Seller, tool: str, dropped: tuple[Dropped, ...], arguments: Mapping[str, Any]) -> None:
    lost = [each.path for each in dropped if requests.is_essential(tool, _POSITION.sub("", each.path))]
    if not seller.own_sandbox and requests.is_sandboxed(tool, arguments):
        lost += [each.path for each in dropped if requests.marks_sandbox(tool, _POSITION.sub("", each.path))]
    if lost:
        said = f"{seller.name} does not take {', '.join(lost)} in {tool}; without it this would be another order."
        raise Rejected(said, field=lost[0], details={"dropped": lost})


def _without_secrets(answer: Answer, seller: Seller) -> Answer:
    """A seller may echo our credential in what it says; it goes no further than here."""
    hide = redactor(seller)
    answer = replace(answer, data=hide.spoken(answer.data))
    if answer.error is None:
        return answer
    error = answer.error
    suggestion = hide.text(error.suggestion) if error.suggestion else None
    details = hide.value(error.details)
    return replace(
        answer, error=replace(error, message=hide.text(error.message), suggestion=suggestion, details=details)
    )


def _joined(pages: Sequence[Mapping[str, Any]], hide: Redactor) -> Offer:
    offers = [products.offer(hide.spoken(each)) for each in pages]
    return Offer(
        products=tuple(each for offer in offers for each in offer.products),
        proposals=tuple(each for offer in offers for each in offer.proposals),
        incomplete=tuple(each for offer in offers for each in offer.incomplete),
        refinement_applied=tuple(each for offer in offers for each in offer.refinement_applied),
    )
