"""The connector alone with a seller that this project did not write: every call that a buy is made of."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from buyside.connectors.platform import Sellers
from buyside.connectors.registry import open_sellers
from buyside.domain.answers import Answer, Outcome, Prepared, Recovery
from buyside.domain.errors import Rejected
from buyside.domain.ids import AgentId, StorefrontId
from buyside.domain.money import Money
from buyside.domain.orders import (
    AccountRef,
    BuyChange,
    BuyOrder,
    CreativeSync,
    CreativeUpload,
    ObservedBuy,
    PackageChange,
    PackageOrder,
)
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import Auth, AuthKind, Protocol, Seller
from tests.interop.conftest import Tell
from tests.interop.counterparts import BRAND, OPERATOR, TOKEN, Counterpart

pytestmark = pytest.mark.interop

ACCOUNT = AccountRef(BRAND, OPERATOR, sandbox=True)
PATIENCE = 60.0
CALLS = 100


def an_hour_ago() -> datetime:
    """A flight that has begun, so that the seller's buys can run, and yet has a date: of "asap" it cannot speak."""
    return datetime.now(UTC) - timedelta(hours=1)


@dataclass
class Desk:
    """The connector with one seller, probed."""

    sellers: Sellers
    seller: Seller
    product_id: str

    def order(self, key: str, budget: int, begin: datetime) -> Prepared:
        package = PackageOrder("p1", self.product_id, "cpm_floor", Money.of(Decimal(budget), "USD"))
        order = BuyOrder(f"mb_{key[:8]}", "cmp_1", "Summer", ACCOUNT, begin, begin + timedelta(30), (package,))
        return self.sellers.prepare_buy(self.seller, order, key)

    async def change(self, bought: ObservedBuy, **change: Any) -> Answer:
        wanted = BuyChange(bought.seller_buy_id, ACCOUNT, change.pop("revision", bought.revision), **change)
        return await self.call(self.sellers.prepare_change(self.seller, wanted, str(uuid4())))

    async def call(self, prepared: Prepared) -> Answer:
        return await self.sellers.call(self.seller, prepared, timeout=PATIENCE)

    async def read(self, *ids: str) -> list[ObservedBuy]:
        found = await self.sellers.media_buys(self.seller, ACCOUNT, seller_buy_ids=ids, timeout=PATIENCE)
        return list(found)

    def observed(self, answer: Answer) -> ObservedBuy:
        assert answer.outcome is Outcome.ACCEPTED, answer
        found = self.sellers.observed(answer.data)
        assert found is not None
        return found

    async def bought(self, budget: int = 1000) -> ObservedBuy:
        return self.observed(await self.call(self.order(str(uuid4()), budget, an_hour_ago())))

    async def live(self) -> ObservedBuy:
        """This seller's buys run once a creative is put on a package with the buy."""
        buy = await self.bought()
        packages = (PackageChange(buy.packages[0].package_id, creative_ids=("cr_1",)),)
        return self.observed(await self.change(buy, packages=packages))


@pytest.fixture
async def desk(programmatic: Counterpart) -> AsyncIterator[Desk]:
    sellers = open_sellers(allow_private=True)
    auth = Auth(AuthKind.BEARER, TOKEN)
    seller = Seller(
        AgentId("agent_1"), "Example", StorefrontId(1), "Example", programmatic.url, programmatic.protocol, auth=auth
    )
    profile = await sellers.probe(seller)
    yield Desk(sellers, replace(seller, profile=profile), programmatic.example.product_id)
    await sellers.aclose()


async def test_a_probe_says_what_the_seller_is(desk: Desk, tell: Tell) -> None:
    profile = desk.seller.profile
    assert profile is not None
    assert profile.transport is desk.seller.protocol
    assert profile.replay_ttl == 86_400
    assert {"create_media_buy", "update_media_buy", "get_media_buys", "sync_creatives"} <= set(profile.tools)
    said = f"{profile.transport.value} {profile.protocol_version}, keys remembered {profile.replay_ttl} s"
    tell(f"{said}, {len(profile.tools)} tools")
    for quirk in profile.quirks:
        tell(f"quirk: {quirk}")


async def test_a_product_with_older_format_ids_only_is_offered_whole(desk: Desk, tell: Tell) -> None:
    offer = await desk.sellers.products(desk.seller, ProductQuery("wholesale", account=ACCOUNT), timeout=PATIENCE)
    (product,) = [each for each in offer.products if each.product_id == desk.product_id]
    assert product.format_ids
    assert not product.format_options
    assert product.option("cpm_floor", "USD") is not None
    price = product.pricing_options[0]
    tell(f"{product.product_id} ({product.delivery_type}), {price.model} {price.fixed_price} {price.currency}, "
         f"formats {[each['id'] for each in product.format_ids]}")  # fmt: skip


async def test_the_account_is_known_by_brand_and_operator(desk: Desk, tell: Tell) -> None:
    answer = await desk.call(desk.sellers.prepare_account(desk.seller, ACCOUNT, "operator", str(uuid4())))
    verdict = desk.sellers.account_verdict(answer.data, ACCOUNT)
    assert verdict is not None
    assert verdict.status == "active"
    tell(f"sync_accounts {BRAND} through {OPERATOR}: {verdict.status}, it calls it {verdict.account_id}")


async def test_the_same_bytes_twice_are_one_buy_and_other_bytes_under_the_key_a_conflict(
    desk: Desk, programmatic: Counterpart, tell: Tell
) -> None:
    before = len(await programmatic.orders())
    key, begin = str(uuid4()), an_hour_ago()
    order = desk.order(key, 1000, begin)
    first = await desk.call(order)
    bought = desk.observed(first)
    assert (first.replayed, bought.status) == (False, "pending_creatives")
    again = await desk.call(order)
    assert (again.outcome, again.replayed) == (Outcome.ACCEPTED, True)
    assert desk.observed(again).seller_buy_id == bought.seller_buy_id
    other = await desk.call(desk.order(key, 2000, begin))
    assert other.error is not None
    # Under our key it holds something, whatever it was: that is looked up, and not taken for a refusal.
    assert (other.outcome, other.error.code) == (Outcome.UNKNOWN, "IDEMPOTENCY_CONFLICT")
    listed = [each for each in await desk.read() if each.seller_buy_id == bought.seller_buy_id]
    assert len(listed) == 1
    assert len(await programmatic.orders()) == before + 1
    tell(f"create_media_buy: {bought.seller_buy_id}, {bought.status}, revision {bought.revision}")
    tell(f"the same key and bytes: {desk.observed(again).seller_buy_id}, replayed; the same key for 2000 USD: "
         f"{other.error.code}")  # fmt: skip


async def test_a_buy_is_read_back_as_it_was_booked(desk: Desk, tell: Tell) -> None:
    bought = await desk.bought(1234)
    (read,) = await desk.read(bought.seller_buy_id)
    (package,) = read.packages
    assert (read.currency, read.total_budget, package.budget) == ("USD", Decimal(1234), Decimal(1234))
    assert (package.package_id, package.product_id) == (bought.packages[0].package_id, desk.product_id)
    tell(f"get_media_buys: {read.seller_buy_id} {read.status}, {read.total_budget} {read.currency}, "
         f"package {package.package_id}; our context {'echoed' if read.context_id else 'not shown'}")  # fmt: skip


async def test_creatives_are_taken(desk: Desk, tell: Tell) -> None:
    bought = await desk.bought()
    upload = CreativeUpload("cr_1", "Spot", {"agent_url": "https://formats.example", "id": "video_15s"}, {})
    sync = CreativeSync(ACCOUNT, (upload,), (("cr_1", bought.packages[0].package_id),))
    answer = await desk.call(desk.sellers.prepare_creatives(desk.seller, sync, str(uuid4())))
    (verdict,) = desk.sellers.creative_verdicts(answer.data)
    assert verdict.taken
    tell(f"sync_creatives cr_1: {verdict.action}, {verdict.status}, and it calls it {verdict.creative_id}")


async def test_an_edit_is_accepted_with_whatever_revision_and_does_not_say_the_next(desk: Desk, tell: Tell) -> None:
    bought = await desk.bought()
    packages = (PackageChange(bought.packages[0].package_id, budget=Money.of(Decimal(1500), "USD")),)
    answer = await desk.change(bought, packages=packages, revision=99)
    changed = desk.observed(answer)
    assert changed.seller_buy_id == bought.seller_buy_id
    assert changed.revision is None
    (read,) = await desk.read(bought.seller_buy_id)
    kept = read.packages[0].budget
    tell(f"update_media_buy to 1500 USD with revision 99 (it is at {bought.revision}): {answer.outcome.value}; "
         f"read back, it has {kept} USD")  # fmt: skip


async def test_an_edit_of_what_it_does_not_hold_is_refused_for_good(desk: Desk, tell: Tell) -> None:
    answer = await desk.change(ObservedBuy("ord_unknown", None), paused=True)
    assert answer.error is not None
    assert (answer.outcome, answer.error.recovery) == (Outcome.REJECTED, Recovery.TERMINAL)
    tell(f"pause of a buy that it does not hold: {answer.error.code}, {answer.error.recovery.value}")


async def test_a_running_buy_is_paused(desk: Desk, tell: Tell) -> None:
    live = await desk.live()
    assert live.status == "active"
    paused = desk.observed(await desk.change(live, paused=True))
    assert paused.status == "paused"
    resumed = desk.observed(await desk.change(live, paused=False))
    (read,) = await desk.read(live.seller_buy_id)
    tell(f"a creative on its package: {live.status}; pause: {paused.status}; resume: it answers {resumed.status} and "
         f"shows {read.status}")  # fmt: skip


async def test_delivery_that_the_seller_cannot_state_is_an_error_and_not_a_zero(desk: Desk, tell: Tell) -> None:
    live = await desk.live()
    today = datetime.now(UTC).date()
    with pytest.raises(Rejected) as refused:
        await desk.sellers.delivery(
            desk.seller, ACCOUNT, [live.seller_buy_id], start=today, end=today + timedelta(1), timeout=PATIENCE
        )
    tell(f"get_media_buy_delivery: {refused.value.message}")


async def test_what_a_call_costs_beside_bare_httpx(desk: Desk, tell: Tell) -> None:
    """Printed and not judged: the machine is shared."""
    bought = await desk.bought()
    await desk.read(bought.seller_buy_id)
    ours = await _cost(lambda: desk.read(bought.seller_buy_id))
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        bare = await _cost(lambda: _bare(client, desk, bought.seller_buy_id))
    tell(f"get_media_buys x {CALLS}: {_each(ours)}; bare httpx: {_each(bare)}")


async def _cost(call: Any) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(CALLS):
        await call()
    return time.process_time() - cpu, time.perf_counter() - wall


def _each(spent: tuple[float, float]) -> str:
    cpu, wall = (each / CALLS * 1000 for each in spent)
    return f"{cpu:.2f} ms CPU of ours and {wall:.1f} ms a call"


async def _bare(client: httpx.AsyncClient, desk: Desk, buy_id: str) -> None:
    account = {"brand": {"domain": BRAND}, "operator": OPERATOR, "sandbox": True}
    arguments = {"account": account, "media_buy_ids": [buy_id]}
    if desk.seller.protocol is Protocol.MCP:
        method, params = "tools/call", {"name": "get_media_buys", "arguments": arguments}
    else:
        data = {"skill": "get_media_buys", "input": arguments}
        message = {"kind": "message", "messageId": str(uuid4()), "role": "user"}
        method, params = "message/send", {"message": {**message, "parts": [{"kind": "data", "data": data}]}}
    response = await client.post(
        desk.seller.endpoint,
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"},
    )
    assert response.status_code == 200
    assert buy_id in response.text
