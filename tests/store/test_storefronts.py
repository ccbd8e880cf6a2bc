"""Sellers as rows: what comes back, who sees it, and that no secret can be read where it lies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, AgentId, CredentialId, StorefrontId
from buyside.domain.orders import AccountVerdict
from buyside.domain.storefronts import (
    Auth,
    AuthKind,
    Credential,
    CredentialType,
    ProbeStatus,
    Protocol,
    SellerProfile,
    Shape,
    Source,
    Storefront,
    Visibility,
)
from buyside.store.accounts import Registry
from buyside.store.database import Database, OpenConnection
from buyside.store.storefronts import PublicStorefronts, StorefrontRepository
from buyside.store.vault import Vault, WrongKey

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
PROFILE = SellerProfile(
    Protocol.A2A,
    "https://seller.example/a2a",
    "1.0",
    versions=("3.0", "3.1"),
    tools={"create_media_buy": Shape({"packages": Shape({"budget": None}, closed=True)}, closed=True), "x": Shape()},
    replay_ttl=86400,
    requires_account_id=True,
    billing=("operator",),
    sandbox=True,
    capabilities={"adcp": {"n": 1.5, "list": [None, "x"]}},
    quirks=("Ölig.",),
)


@dataclass
class Two:
    mine: StorefrontRepository
    other: StorefrontRepository
    account: AccountId
    conn: OpenConnection


@asynccontextmanager
async def two_accounts(database: Database) -> AsyncIterator[Two]:
    async with database.write.begin() as conn:
        ids = [(await Registry(conn).open(name, NOW)).id for name in ("Mine", "Other")]
        mine, other = [StorefrontRepository(conn, each, Vault(b"secret")) for each in ids]
        yield Two(mine, other, ids[0], conn)


async def a_shop(two: Two, name: str = "North", *, public: bool = False) -> StorefrontId:
    owner = None if public else two.account
    seen = Visibility.PUBLIC if public else Visibility.PRIVATE
    made = await two.mine.add(Storefront(StorefrontId(0), owner, name.lower(), name, seen, NOW, NOW))
    return made.id


def a_source(shop: StorefrontId, number: int = 1, **more: object) -> Source:
    plain = Source(
        AgentId(f"agent_{shop}_{number}"),
        shop,
        f"source-{number}",
        "https://seller.example/mcp",
        Protocol.MCP,
        False,
        ProbeStatus.REACHABLE,
        None,
        NOW,
        PROFILE,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def a_credential(shop: StorefrontId, identifier: str = "acct") -> Credential:
    return Credential(CredentialId(0), shop, "source-1", identifier, CredentialType.CLIENT, "ACTIVE", "me", NOW, NOW)


async def test_every_field_of_a_source_comes_back_as_it_went(database: Database) -> None:
    async with two_accounts(database) as two:
        shop = await a_shop(two)
        full = a_source(shop, name="Display", billing="agent", operator_domain="agency.com", probe_message="Hm.")
        await two.mine.add_source(full, {"x-a": "b"})
        assert (await two.mine.get(shop)).sources == (full,)
        bare = replace(full, name=None, billing=None, operator_domain=None, profile=None, probed_at=None)
        await two.mine.save_source(bare)
        assert (await two.mine.get(shop)).sources == (bare,)
        seller = await two.mine.seller(full.agent_id)
        assert (dict(seller.headers), seller.auth, seller.profile) == ({"x-a": "b"}, Auth(), None)


async def test_a_private_storefront_is_its_accounts_alone_and_a_public_one_everybodys(database: Database) -> None:
    async with two_accounts(database) as two:
        mine, everybodys = await a_shop(two), await a_shop(two, "House", public=True)
        for shop in (mine, everybodys):
            await two.mine.add_source(a_source(shop), {})
        assert [each.id for each in await two.other.every()] == [everybodys]
        assert [each.storefront_id for each in await two.other.sellers()] == [everybodys]
        for look in (two.other.get(mine), two.other.lock(mine), two.other.seller(a_source(mine).agent_id)):
            with pytest.raises(NotFound):
                await look
        assert await two.other.by_ids([mine, everybodys]) == await two.other.by_ids([everybodys])
        assert not await two.other.is_taken("north")
        assert await two.other.is_taken("house")
        await two.other.touch(mine, "Stolen", NOW)
        await two.other.delete(mine, NOW)
        await two.mine.delete(everybodys, NOW)
        assert [each.name for each in await two.mine.every()] == ["North", "House"]


async def test_no_secret_can_be_read_where_it_lies_nor_with_another_key(database: Database) -> None:
    secrets = ("t0ken-in-auth", "t0ken-in-header", "passw0rd")
    async with two_accounts(database) as two:
        shop = await a_shop(two)
        source = a_source(shop)
        await two.mine.add_source(source, {"x-key": secrets[1]})
        await two.mine.set_auth(shop, "source-1", Auth(AuthKind.BEARER, token=secrets[0]), NOW)
        basic = Auth(AuthKind.BASIC, username="u", password=secrets[2])
        await two.mine.add_credential(a_credential(shop), basic)
        rows = [
            bytes(value) if isinstance(value, memoryview) else value
            for table in ("source", "credential")
            for row in await two.conn.exec_driver_sql(f"SELECT * FROM {table}")
            for value in row
        ]
        stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in rows)
        assert not any(secret.encode() in stored for secret in secrets)
        assert (await two.mine.seller(source.agent_id)).auth == basic
        with pytest.raises(WrongKey):
            await StorefrontRepository(two.conn, two.account, Vault(b"another")).seller(source.agent_id)


async def test_a_credential_is_its_accounts_own_at_a_public_storefront_too(database: Database) -> None:
    async with two_accounts(database) as two:
        shop = await a_shop(two, public=True)
        source = a_source(shop)
        await two.mine.add_source(source, {})
        made = await two.mine.add_credential(a_credential(shop), Auth(AuthKind.BEARER, token="t"))
        assert await two.mine.credentials(shop) == [made]
        assert (await two.mine.seller(source.agent_id)).account_identifier == "acct"
        assert await two.other.credentials() == []
        theirs = await two.other.seller(source.agent_id)
        assert (theirs.auth, theirs.account_identifier) == (Auth(), None)
        with pytest.raises(Conflict):
            await two.mine.add_credential(a_credential(shop), Auth())


async def test_deleting_takes_a_storefront_out_of_sight_with_its_slug(database: Database) -> None:
    async with two_accounts(database) as two:
        shop = await a_shop(two)
        await two.mine.add_source(a_source(shop), {"x": "y"})
        await two.mine.delete(shop, NOW)
        assert not await two.mine.is_taken("north")
        assert (await two.mine.every(), await two.mine.sellers()) == ([], [])
        assert (await two.mine.page(limit=10, offset=0)) == ([], 0)


async def test_a_probe_of_another_address_is_not_stored(database: Database) -> None:
    async with two_accounts(database) as two:
        shop = await a_shop(two)
        source = a_source(shop, profile=None)
        await two.mine.add_source(source, {})
        seller = await two.mine.seller(source.agent_id)
        assert await two.mine.save_probe(seller, PROFILE, None, NOW)
        assert await two.mine.save_probe(seller, None, "It is down.", NOW)
        found = (await two.mine.get(shop)).sources[0]
        assert (found.profile, found.probe_status, found.probe_message) == (
            PROFILE,
            ProbeStatus.UNREACHABLE,
            "It is down.",
        )
        moved = replace(seller, endpoint="https://elsewhere.example/")
        assert not await two.mine.save_probe(moved, PROFILE, None, NOW)
        assert (await two.mine.get(shop)).sources[0] == found


async def test_what_a_seller_said_of_an_account_is_kept_per_agent_and_account(database: Database) -> None:
    async with two_accounts(database) as two:
        source = a_source(await a_shop(two))
        await two.mine.add_source(source, {})
        for verdict in (AccountVerdict(None, "pending_approval", "Wait."), AccountVerdict("a-1", "active")):
            await two.mine.set_account_at(source.agent_id, "acme.com|agency.com", verdict, NOW)
            assert await two.mine.account_at(source.agent_id, "acme.com|agency.com") == verdict
        assert await two.mine.account_at(source.agent_id, "other") is None
        assert await two.other.account_at(source.agent_id, "acme.com|agency.com") is None


async def test_the_installations_sandboxes_come_and_go_without_being_forgotten(database: Database) -> None:
    async with two_accounts(database) as two:
        shop, own = await a_shop(two, "House", public=True), await a_shop(two)
        for each in (shop, own):
            await two.mine.add_source(a_source(each, own_sandbox=True), {})
        public = PublicStorefronts(two.conn)
        assert [(number, name) for number, name, _ in await public.sandboxes()] == [(shop, "House")]
        await public.show(shop, False, NOW)
        await public.show(own, False, NOW)
        assert [each.id for each in await two.other.every()] == []
        assert [each.id for each in await two.mine.every()] == [own], "an account's own is not the installation's"
        assert len(await public.sandboxes()) == 1
        await public.show(shop, True, NOW)
        assert [each.id for each in await two.other.every()] == [shop]
