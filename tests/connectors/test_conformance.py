"""The whole protocol with a seller on a real socket, over MCP and A2A alike, also when it behaves at its worst."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from buyside.connectors.platform import Sellers
from buyside.domain.answers import Answer, Outcome, Prepared
from buyside.domain.errors import RateLimited, Unavailable
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
from tests.connectors.sellers import ACCOUNT, KEY, a_seller, sellers
from tests.sandbox_server import SandboxHandle, sandbox

UNKNOWN_TO_IT = replace(ACCOUNT, brand_domain="newcomer.com")


@dataclass
class Counterpart:
    """A probed sandbox seller, and the ways to speak to it."""

    shop: SandboxHandle
    platform: Sellers
    seller: Seller
    keys: int = 0

    def key(self) -> str:
        self.keys += 1
        return f"{KEY}-{self.keys}"

    async def send(self, prepared: Prepared, timeout: float = 10) -> Answer:
        return await self.platform.call(self.seller, prepared, timeout=timeout)

    def order(self, template: str = "display_reach", account: AccountRef = ACCOUNT, **more: Any) -> BuyOrder:
        package = {"budget": Money.of("500.25", "USD"), **more.pop("package", {})}
        bought = PackageOrder("ref_1", self.shop.product_id(template), "cpm_usd_fixed", **package)
        end = datetime.now(UTC) + timedelta(days=30)
        return BuyOrder("mb_ours", "cmp_ours", "Spring", account, None, end, (bought,), **more)

    def create(self, **more: Any) -> Prepared:
        return self.platform.prepare_buy(self.seller, self.order(**more), self.key())

    async def read(self, **more: Any) -> list[ObservedBuy]:
        return list(await self.platform.media_buys(self.seller, ACCOUNT, timeout=10, **more))

    async def book(self, **more: Any) -> ObservedBuy:
        answer = await self.send(self.create(**more))
        assert answer.outcome is Outcome.ACCEPTED, answer
        buy = self.platform.observed(answer.data)
        assert buy is not None
        return buy

    async def change(self, **more: Any) -> Answer:
        prepared = self.platform.prepare_change(self.seller, BuyChange(account=ACCOUNT, **more), self.key())
        return await self.send(prepared)


Meet = Callable[..., contextlib.AbstractAsyncContextManager[Counterpart]]


@pytest.fixture(params=list(Protocol), ids=lambda each: str(each.value))
def meet(request: pytest.FixtureRequest) -> Meet:
    protocol: Protocol = request.param

    @contextlib.asynccontextmanager
    async def met(*faults: str, **seller: Any) -> AsyncIterator[Counterpart]:
        async with sandbox("North", faults=faults) as shop, sellers() as platform:
            endpoint = shop.mcp_url if protocol is Protocol.MCP else shop.a2a_url
            one = a_seller(endpoint, protocol, **seller)
            known = replace(one, profile=await platform.probe(one))
            counterpart = Counterpart(shop, platform, known)
            await counterpart.send(platform.prepare_account(known, ACCOUNT, "operator", counterpart.key()))
            yield counterpart

    return met


async def test_from_brief_to_booked_to_read_back_to_delivered(meet: Meet) -> None:
    async with meet() as one:
        query = ProductQuery("brief", brief="reach", brand_domain="acme.com", account=ACCOUNT)
        offer = await one.platform.products(one.seller, query, timeout=10)
        wanted = one.shop.product_id("display_reach")
        product = next(each for each in offer.products if each.product_id == wanted)
        assert product.option("cpm_usd_fixed") is not None
        buy = await one.book()
        assert (buy.context_id, buy.currency) == ("mb_ours", "USD")
        (package,) = buy.packages
        assert (package.buyer_ref, package.budget) == ("ref_1", Decimal("500.25"))
        (listed,) = await one.read()
        assert (listed.seller_buy_id, listed.context_id, listed.revision) == (buy.seller_buy_id, "mb_ours", 1)
        today = (await one.shop.now()).date()
        rows = await one.platform.delivery(
            one.seller, ACCOUNT, [buy.seller_buy_id], start=today, end=today + timedelta(days=2), timeout=10
        )
        assert {row.package_id for row in rows if row.day is None} == {package.package_id}


async def test_the_same_bytes_twice_book_once(meet: Meet) -> None:
    async with meet() as one:
        prepared = one.create()
        assert prepared.replayable
        first, second = await one.send(prepared), await one.send(prepared)
        assert (first.replayed, second.replayed) == (False, True)
        assert first.data["media_buy_id"] == second.data["media_buy_id"]
        assert len(await one.shop.buys()) == 1


async def test_a_key_used_for_other_bytes_proves_that_something_is_held(meet: Meet) -> None:
    async with meet() as one:
        prepared = one.create()
        await one.send(prepared)
        other = replace(prepared, body=prepared.body.replace(b"500.25", b"600.25"))
        answer = await one.send(other)
        assert answer.outcome is Outcome.UNKNOWN
        assert answer.error is not None
        assert answer.error.code == "IDEMPOTENCY_CONFLICT"


async def test_a_change_is_made_and_a_stale_one_refused(meet: Meet) -> None:
    async with meet() as one:
        buy = await one.book()
        budget = PackageChange(buy.packages[0].package_id, budget=Money.of("700.50", "USD"))
        answer = await one.change(seller_buy_id=buy.seller_buy_id, revision=buy.revision, packages=(budget,))
        assert answer.outcome is Outcome.ACCEPTED
        (listed,) = await one.read(seller_buy_ids=[buy.seller_buy_id])
        assert (listed.packages[0].budget, listed.revision) == (Decimal("700.5"), 2)
        stale = await one.change(seller_buy_id=buy.seller_buy_id, revision=1, paused=True)
        assert stale.outcome is Outcome.REJECTED
        assert stale.error is not None
        assert stale.error.code == "CONFLICT"
        paused = await one.change(seller_buy_id=buy.seller_buy_id, revision=2, paused=True)
        assert paused.outcome is Outcome.ACCEPTED
        seen = one.platform.observed(paused.data)
        assert seen is not None
        assert seen.paused is True


async def test_a_paused_order_is_booked_paused(meet: Meet) -> None:
    async with meet() as one:
        buy = await one.book(paused=True)
        (listed,) = await one.read(seller_buy_ids=[buy.seller_buy_id])
        assert listed.paused or all(each.paused for each in listed.packages)


async def test_creatives_are_carried_and_judged(meet: Meet) -> None:
    async with meet() as one:
        query = ProductQuery("wholesale", brand_domain="acme.com", account=ACCOUNT)
        offer = await one.platform.products(one.seller, query, timeout=10)
        product = next(each for each in offer.products if each.product_id == one.shop.product_id("display_reach"))
        buy = await one.book()
        image = {"asset_type": "image", "url": "https://cdn.example/a.png", "width": 300, "height": 250}
        uploads = (
            CreativeUpload("cr_1", "Banner", product.format_ids[0], {"image": image}),
            CreativeUpload("cr_2", "Bad", {"agent_url": "https://nowhere.example", "id": "hologram"}, {"image": image}),
        )
        sync = CreativeSync(ACCOUNT, uploads, (("cr_1", buy.packages[0].package_id),))
        answer = await one.send(one.platform.prepare_creatives(one.seller, sync, one.key()))
        verdicts = {each.creative_id: each for each in one.platform.creative_verdicts(answer.data)}
        assert set(verdicts) == {"cr_1", "cr_2"}
        assert not verdicts["cr_2"].taken
        assert verdicts["cr_2"].message


async def test_an_order_that_waits_for_approval_is_followed_to_its_end(meet: Meet) -> None:
    async with meet("approval=manual") as one:
        waiting = await one.send(one.create())
        assert waiting.outcome is Outcome.PENDING
        assert waiting.task_id
        still = await one.platform.task(one.seller, waiting.task_id, ACCOUNT, timeout=10)
        assert (still.outcome, still.task_id) == (Outcome.PENDING, waiting.task_id)
        await one.shop.decide("approve", task_id=waiting.task_id)
        done = await one.platform.task(one.seller, waiting.task_id, ACCOUNT, timeout=10)
        assert done.outcome is Outcome.ACCEPTED, done
        buy = one.platform.observed(done.data)
        assert buy is not None
        assert [each.seller_buy_id for each in await one.read()] == [buy.seller_buy_id]


async def test_an_order_that_is_turned_down_later_ends_rejected(meet: Meet) -> None:
    async with meet("approval=manual") as one:
        waiting = await one.send(one.create())
        assert waiting.task_id
        await one.shop.decide("reject", message="Not this brand.", task_id=waiting.task_id)
        done = await one.platform.task(one.seller, waiting.task_id, ACCOUNT, timeout=10)
        assert done.outcome is Outcome.REJECTED
        assert "Not this brand." in done.message


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        ("reject=POLICY_VIOLATION@create_media_buy", Outcome.REJECTED, "POLICY_VIOLATION"),
        ("rate_limit=7@create_media_buy", Outcome.REJECTED, "RATE_LIMITED"),
        ("completed_with_errors=CONFLICT@create_media_buy", Outcome.REJECTED, "CONFLICT"),
        ("needs_input@create_media_buy", Outcome.NEEDS_INPUT, None),
        ("cut_before_commit@create_media_buy", Outcome.UNKNOWN, "NO_ANSWER"),
        ("cut_after_commit@create_media_buy", Outcome.UNKNOWN, "NO_ANSWER"),
        ("http_error=500@create_media_buy", Outcome.UNKNOWN, "HTTP_500"),
        ("http_error=503@create_media_buy", Outcome.UNKNOWN, "SERVICE_UNAVAILABLE"),
        ("http_error=429@create_media_buy", Outcome.REJECTED, "RATE_LIMITED"),
        ("http_error=400@create_media_buy", Outcome.REJECTED, "HTTP_400"),
    ],
)
async def test_what_a_seller_does_decides_the_outcome(
    meet: Meet, fault: str, outcome: Outcome, code: str | None
) -> None:
    async with meet(fault) as one:
        answer = await one.send(one.create())
        assert answer.outcome is outcome, answer
        assert (answer.error.code if answer.error else None) == code
        held = len(await one.shop.buys())
        assert held == (1 if "after_commit" in fault else 0)
        if fault.startswith("rate_limit"):
            assert answer.error is not None
            assert answer.error.retry_after == 7


async def test_a_seller_that_books_and_never_answers_leaves_the_order_unknown_and_found_by_reading(meet: Meet) -> None:
    async with meet("timeout_after_commit@create_media_buy") as one:
        answer = await one.send(one.create(), timeout=0.5)
        assert (answer.outcome, answer.reached) == (Outcome.UNKNOWN, True)
        assert [each.context_id for each in await one.read()] == ["mb_ours"]


async def test_replies_full_of_nulls_are_read_as_if_they_had_none(meet: Meet) -> None:
    async with meet("null_filled") as one:
        assert one.seller.profile is not None
        assert "null" not in str(one.seller.profile.capabilities)
        assert (await one.book()).packages
        (listed,) = await one.read()
        assert listed.context_id == "mb_ours"


async def test_an_argument_that_is_not_listed_is_left_out_and_said(meet: Meet) -> None:
    async with meet("unknown_argument_rejection") as one:
        assert one.seller.profile is not None
        buy = await one.book()
        account = one.platform.prepare_account(one.seller, ACCOUNT, "operator", one.key())
        pause = one.platform.prepare_change(one.seller, BuyChange(buy.seller_buy_id, ACCOUNT, paused=True), one.key())
        for prepared in (account, pause):
            assert (await one.send(prepared)).outcome is Outcome.ACCEPTED
        if one.seller.profile.transport is Protocol.MCP:
            assert "idempotency_key" in [each.path for each in account.dropped]
            assert not account.replayable
            assert "account" in [each.path for each in pause.dropped]
        query = ProductQuery("brief", brief="reach", brand_domain="acme.com", account=ACCOUNT)
        assert (await one.platform.products(one.seller, query, timeout=10)).products


async def test_a_seller_of_3_0_that_mixes_up_statuses_is_understood(meet: Meet) -> None:
    async with meet("legacy_status") as one:
        buy = await one.book()
        assert buy.status == "pending_creatives"


async def test_without_idempotency_nothing_is_said_to_be_repeatable(meet: Meet) -> None:
    async with meet("no_idempotency") as one:
        assert one.seller.profile is not None
        assert one.seller.profile.replay_ttl is None
        assert not one.create().replayable


async def test_an_expired_key_is_settled_by_reading(meet: Meet) -> None:
    async with meet() as one:
        prepared = one.create()
        await one.send(prepared)
        await one.shop.set_faults("idempotency_expired")
        answer = await one.send(prepared)
        assert answer.outcome is Outcome.UNKNOWN
        assert len(await one.read()) == 1


async def test_an_account_that_the_seller_does_not_know_is_made_known(meet: Meet) -> None:
    async with meet("require_sync_accounts") as one:
        unknown = await one.send(one.create(account=UNKNOWN_TO_IT))
        assert unknown.error is not None
        assert (unknown.outcome, unknown.error.code) == (Outcome.REJECTED, "ACCOUNT_NOT_FOUND")
        synced = await one.send(one.platform.prepare_account(one.seller, UNKNOWN_TO_IT, "operator", one.key()))
        verdict = one.platform.account_verdict(synced.data, UNKNOWN_TO_IT)
        assert verdict is not None
        assert verdict.status == "active"
        assert (await one.send(one.create(account=UNKNOWN_TO_IT))).outcome is Outcome.ACCEPTED


async def test_a_credential_is_shown_where_it_is_wanted(meet: Meet) -> None:
    auth = Auth(AuthKind.BEARER, token="tok-1234567")
    headers = {"x-adcp-tenant": "acme"}
    async with meet(
        "require_token=tok-1234567", "require_headers=x-adcp-tenant:acme", auth=auth, headers=headers
    ) as one:
        assert (await one.send(one.create())).outcome is Outcome.ACCEPTED
        stranger = replace(one.seller, auth=Auth())
        refused = await one.platform.call(stranger, one.create(), timeout=10)
        assert (refused.outcome, refused.reached) == (Outcome.REJECTED, False)
        with pytest.raises(Unavailable):
            await one.platform.probe(replace(stranger, profile=None))


async def test_reads_say_when_they_are_limited_or_the_seller_is_down(meet: Meet) -> None:
    async with meet() as one:
        await one.shop.set_faults(rate_limit=7, tool="get_media_buys")
        with pytest.raises(RateLimited) as limited:
            await one.read()
        assert limited.value.retry_after == 7
        await one.shop.clear_faults()
        await one.shop.set_faults("down")
        with pytest.raises(Unavailable):
            await one.read()


async def test_many_orders_at_once_are_booked_once_each(meet: Meet) -> None:
    async with meet() as one:
        answers = await asyncio.gather(*(one.send(one.create()) for _ in range(20)))
        assert {each.outcome for each in answers} == {Outcome.ACCEPTED}
        assert len({each.data["media_buy_id"] for each in answers}) == 20
        assert len(await one.shop.buys()) == 20


@pytest.mark.parametrize("fault", ["sse", "huge_tools_list"])
async def test_event_streams_and_three_megabytes_of_tools_change_nothing(fault: str) -> None:
    async with sandbox("North", faults=[fault]) as shop, sellers() as platform:
        seller = a_seller(shop.mcp_url)
        profile = await platform.probe(seller)
        assert profile.takes("create_media_buy", "packages")
        offer = await platform.products(replace(seller, profile=profile), ProductQuery("wholesale"), timeout=10)
        assert offer.products


async def test_an_agent_of_the_older_dialect_is_found_out_by_the_probe() -> None:
    async with sandbox("North", faults=["a2a_version=0.3"]) as shop, sellers() as platform:
        assert (await platform.probe(a_seller(shop.a2a_url, Protocol.A2A))).protocol_version == "0.3"


@pytest.mark.parametrize(("fault", "registered"), [("no_mcp", Protocol.MCP), ("no_a2a", Protocol.A2A)])
async def test_a_missing_transport_is_replaced_by_the_other(fault: str, registered: Protocol) -> None:
    async with sandbox("North", faults=[fault]) as shop, sellers() as platform:
        profile = await platform.probe(a_seller(shop.base_url, registered))
        assert profile.transport is not registered
        assert any(f"Registered as {registered.value}" in each for each in profile.quirks)
