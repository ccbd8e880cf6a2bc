from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain import media_buys
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
    Seller,
    SellerProfile,
    Source,
    Storefront,
    Visibility,
)
from buyside.store import codec
from buyside.store.tables import credential, media_buy, seller_account, source, storefront
from buyside.store.text import contains
from buyside.store.vault import Vault

_AUTH, _HEADERS = "seller auth", "seller headers"


class StorefrontRepository:
    """Storefronts that this account registered or that are public, and its credentials at them."""

    def __init__(self, conn: AsyncConnection, owner: AccountId, vault: Vault) -> None:
        self._conn, self._owner, self._vault = conn, owner, vault

    def _visible(self) -> ColumnElement[bool]:
        mine = or_(storefront.c.account_id == self._owner, storefront.c.account_id.is_(None))
        return mine & storefront.c.deleted_at.is_(None)

    async def get(self, storefront_id: StorefrontId) -> Storefront:
        """Raises: NotFound, also for another account's."""
        row = (
            await self._conn.execute(select(storefront).where(self._visible(), storefront.c.id == storefront_id))
        ).first()
        if row is None:
            raise NotFound(f"There is no storefront {storefront_id}.")
        return (await self._with_sources([row]))[0]

    async def lock(self, storefront_id: StorefrontId) -> Storefront:
        """As `get`, held to the end of the transaction."""
        await self._conn.execute(select(storefront.c.id).where(storefront.c.id == storefront_id).with_for_update())
        return await self.get(storefront_id)

    async def is_taken(self, platform_id: str) -> bool:
        """Whether a storefront that this account sees has that slug."""
        found = select(storefront.c.id).where(self._visible(), storefront.c.platform_id == platform_id)
        return (await self._conn.execute(found)).first() is not None

    async def every(self) -> list[Storefront]:
        """All that this account sees."""
        rows = await self._conn.execute(select(storefront).where(self._visible()).order_by(storefront.c.id))
        return await self._with_sources(rows.all())

    async def by_ids(self, ids: Sequence[StorefrontId]) -> list[Storefront]:
        rows = await self._conn.execute(
            select(storefront).where(self._visible(), storefront.c.id.in_(ids)).order_by(storefront.c.id)
        )
        return await self._with_sources(rows.all())

    async def page(
        self, *, visibility: Visibility | None = None, name: str | None = None, limit: int, offset: int
    ) -> tuple[list[Storefront], int]:
        wanted = [self._visible()]
        if visibility is not None:
            wanted.append(storefront.c.visibility == visibility.value)
        if name:
            wanted.append(contains(storefront.c.name_folded, name))
        count = await self._conn.scalar(select(func.count()).select_from(storefront).where(*wanted))
        rows = await self._conn.execute(
            select(storefront).where(*wanted).order_by(storefront.c.id).limit(limit).offset(offset)
        )
        return await self._with_sources(rows.all()), count or 0

    async def add(self, new: Storefront) -> Storefront:
        """With the id that the store gives it; its sources are added one by one."""
        made = await self._conn.scalar(
            insert(storefront)
            .values(
                account_id=new.owner,
                platform_id=new.platform_id,
                name=new.name,
                name_folded=new.name.casefold(),
                visibility=new.visibility.value,
                created_at=new.created_at,
                updated_at=new.updated_at,
            )
            .returning(storefront.c.id)
        )
        assert made is not None
        return replace(new, id=StorefrontId(made), sources=())

    async def touch(self, storefront_id: StorefrontId, name: str, now: datetime) -> None:
        await self._conn.execute(
            update(storefront)
            .where(storefront.c.id == storefront_id, storefront.c.account_id == self._owner)
            .values(name=name, name_folded=name.casefold(), updated_at=now)
        )

    async def delete(self, storefront_id: StorefrontId, now: datetime) -> None:
        """Out of sight, and its secrets gone. Raises: Conflict while a buy at it lives."""
        if held := await self.live_buys(storefront_id):
            raise Conflict(f"{held} media buys at this storefront still live; cancel them first.")
        mine = (storefront.c.id == storefront_id) & (storefront.c.account_id == self._owner)
        done = await self._conn.execute(update(storefront).where(mine).values(deleted_at=now))
        if done.rowcount:
            await self._conn.execute(delete(credential).where(credential.c.storefront_id == storefront_id))
            await self._conn.execute(update(source).where(source.c.storefront_id == storefront_id).values(headers=None))

    async def live_buys(self, storefront_id: StorefrontId) -> int:
        """Of every account: a public storefront serves several."""
        live = [s.value for s in media_buys.LIVE]
        held = await self._conn.scalar(
            select(func.count())
            .select_from(media_buy)
            .where(media_buy.c.storefront_id == storefront_id, media_buy.c.status.in_(live))
        )
        return held or 0

    async def add_source(self, new: Source, headers: Mapping[str, str]) -> None:
        await self._conn.execute(
            insert(source).values(agent_id=new.agent_id, headers=self._headers(headers), **_source(new))
        )

    async def save_source(self, changed: Source, headers: Mapping[str, str] | None = None) -> None:
        """`headers` None: as they are."""
        values = _source(changed)
        if headers is not None:
            values["headers"] = self._headers(headers)
        await self._conn.execute(update(source).where(source.c.agent_id == changed.agent_id).values(values))

    async def save_probe(
        self, seller: Seller, profile: SellerProfile | None, message: str | None, at: datetime
    ) -> bool:
        """What came of asking; False when the source has moved meanwhile, so that the answer is not about it.

        Without a profile the one before stays: a seller that is down for the moment is still what it was.
        """
        status = ProbeStatus.REACHABLE if profile else ProbeStatus.UNREACHABLE
        values: dict[str, Any] = {"probe_status": status.value, "probe_message": message, "probed_at": at}
        if profile is not None:
            values["profile"] = codec.dump(SellerProfile, profile)
        same = (source.c.agent_id == seller.id) & (source.c.endpoint == seller.endpoint)
        return (await self._conn.execute(update(source).where(same).values(values))).rowcount == 1

    async def seller(self, agent_id: AgentId) -> Seller:
        """Everything needed to call the agent as this account. Raises: NotFound."""
        found = await self._sellers(source.c.agent_id == agent_id)
        if not found:
            raise NotFound(f"There is no sales agent {agent_id}.")
        return found[0]

    async def agents(self, ids: Collection[AgentId]) -> dict[AgentId, Seller]:
        """As `seller`, for several at once; those that are not there are left out."""
        return {each.id: each for each in await self._sellers(source.c.agent_id.in_(ids))}

    async def sellers(self, storefronts: Sequence[StorefrontId] = ()) -> list[Seller]:
        """All sales agents that this account can call; of the named storefronts, where some are named."""
        return await self._sellers(*([source.c.storefront_id.in_(storefronts)] if storefronts else []))

    async def _sellers(self, *wanted: ColumnElement[bool]) -> list[Seller]:
        mine = (credential.c.account_id == self._owner) & (credential.c.status == "ACTIVE")
        # The one that came with the registration names no account there; one that does goes before it.
        with_account = case((credential.c.account_type == CredentialType.CLIENT.value, 1), else_=0)
        rows = await self._conn.execute(
            select(
                source,
                storefront.c.name.label("storefront_name"),
                credential.c.auth,
                case((with_account == 1, credential.c.account_identifier)).label("account_identifier"),
            )
            .join(storefront, storefront.c.id == source.c.storefront_id)
            .outerjoin(
                credential,
                mine
                & (credential.c.storefront_id == source.c.storefront_id)
                & (credential.c.source_id == source.c.source_id),
            )
            .where(self._visible(), *wanted)
            .order_by(source.c.storefront_id, source.c.source_id, with_account.desc(), credential.c.id)
        )
        first: dict[str, Seller] = {}
        for row in rows:
            first.setdefault(row.agent_id, self._seller(row))
        return list(first.values())

    def _seller(self, row: Row[Any]) -> Seller:
        found = _read_source(row)
        return Seller(
            found.agent_id,
            found.name or row.storefront_name,
            found.storefront_id,
            row.storefront_name,
            found.endpoint,
            found.protocol,
            codec.load(Auth, self._vault.open(row.auth, _AUTH)) if row.auth else Auth(),
            json.loads(self._vault.open(row.headers, _HEADERS)) if row.headers else {},
            found.profile,
            found.own_sandbox,
            row.account_identifier,
            found.billing,
            found.operator_domain,
        )

    def _headers(self, headers: Mapping[str, str]) -> bytes | None:
        return self._vault.lock(json.dumps(dict(headers)).encode(), _HEADERS) if headers else None

    async def credentials(self, storefront_id: StorefrontId | None = None) -> list[Credential]:
        wanted = [credential.c.account_id == self._owner]
        if storefront_id is not None:
            wanted.append(credential.c.storefront_id == storefront_id)
        rows = await self._conn.execute(select(credential).where(*wanted).order_by(credential.c.id))
        return [_read_credential(row) for row in rows]

    async def auth_kinds(self, storefront_ids: Sequence[StorefrontId]) -> dict[AgentId, AuthKind]:
        """How this account greets each agent."""
        return {each.id: each.auth.kind for each in await self.sellers(storefront_ids)} if storefront_ids else {}

    async def add_credential(self, new: Credential, auth: Auth) -> Credential:
        """Raises: Conflict when the source already has this account identifier."""
        taken = select(credential.c.id).where(
            credential.c.account_id == self._owner,
            credential.c.storefront_id == new.storefront_id,
            credential.c.source_id == new.source_id,
            credential.c.account_identifier == new.account_identifier,
        )
        if (await self._conn.execute(taken)).first():
            raise Conflict(f"Account identifier {new.account_identifier!r} has a credential at this source already.")
        values = {
            "account_id": self._owner,
            "storefront_id": new.storefront_id,
            "source_id": new.source_id,
            "account_identifier": new.account_identifier,
            "account_type": new.account_type.value,
            "status": new.status,
            "auth": self._vault.lock(codec.dump(Auth, auth).encode(), _AUTH),
            "registered_by": new.registered_by,
            "created_at": new.created_at,
            "updated_at": new.updated_at,
        }
        made = await self._conn.scalar(insert(credential).values(values).returning(credential.c.id))
        assert made is not None
        return replace(new, id=CredentialId(made))

    async def remove_credential(self, credential_id: CredentialId) -> Credential:
        """With its secret. Raises: NotFound, also for another account's."""
        mine = (credential.c.account_id == self._owner) & (credential.c.id == credential_id)
        named = mine & (credential.c.account_type == CredentialType.CLIENT.value)
        row = (await self._conn.execute(delete(credential).where(named).returning(credential))).first()
        if row is None:
            raise NotFound(f"There is no credential {credential_id}.")
        return _read_credential(row)

    async def set_auth(self, storefront_id: StorefrontId, source_id: str, auth: Auth, now: datetime) -> None:
        """The credential that comes with the registration of a source, in place of the one before."""
        await self._conn.execute(
            delete(credential).where(
                credential.c.account_id == self._owner,
                credential.c.storefront_id == storefront_id,
                credential.c.source_id == source_id,
                credential.c.account_type == CredentialType.STOREFRONT.value,
            )
        )
        if auth.kind is not AuthKind.NONE:
            new = Credential(
                CredentialId(0), storefront_id, source_id, "", CredentialType.STOREFRONT, "ACTIVE", None, now, now
            )
            await self.add_credential(new, auth)

    async def account_at(self, agent_id: AgentId, natural_key: str) -> AccountVerdict | None:
        row = (
            await self._conn.execute(
                select(seller_account).where(
                    seller_account.c.account_id == self._owner,
                    seller_account.c.agent_id == agent_id,
                    seller_account.c.natural_key == natural_key,
                )
            )
        ).first()
        return AccountVerdict(row.seller_account_id, row.status, row.message) if row else None

    async def accounts_at(self, natural_keys: Collection[str]) -> dict[tuple[AgentId, str], AccountVerdict]:
        """Whatever sales agents said of these accounts, by agent and key."""
        rows = await self._conn.execute(
            select(seller_account).where(
                seller_account.c.account_id == self._owner, seller_account.c.natural_key.in_(natural_keys)
            )
        )
        return {
            (AgentId(row.agent_id), row.natural_key): AccountVerdict(row.seller_account_id, row.status, row.message)
            for row in rows
        }

    async def set_account_at(self, agent_id: AgentId, natural_key: str, said: AccountVerdict, now: datetime) -> None:
        values = {
            "seller_account_id": said.account_id,
            "status": said.status,
            "message": said.message,
            "checked_at": now,
        }
        key = {"account_id": self._owner, "agent_id": agent_id, "natural_key": natural_key}
        change = update(seller_account).where(*(seller_account.c[k] == v for k, v in key.items())).values(values)
        if (await self._conn.execute(change)).rowcount:
            return
        try:
            async with self._conn.begin_nested():
                await self._conn.execute(insert(seller_account).values(**key, **values))
        except IntegrityError:  # two buys at a seller that is new to us are told of the account at the same moment
            await self._conn.execute(change)

    async def _with_sources(self, rows: Sequence[Row[Any]]) -> list[Storefront]:
        ids = [row.id for row in rows]
        found = await self._conn.execute(
            select(source).where(source.c.storefront_id.in_(ids)).order_by(source.c.source_id)
        )
        by_storefront: dict[int, list[Source]] = {}
        for each in found:
            by_storefront.setdefault(each.storefront_id, []).append(_read_source(each))
        return [
            Storefront(
                StorefrontId(row.id),
                AccountId(row.account_id) if row.account_id is not None else None,
                row.platform_id,
                row.name,
                Visibility(row.visibility),
                row.created_at,
                row.updated_at,
                tuple(by_storefront.get(row.id, ())),
            )
            for row in rows
        ]


def _source(value: Source) -> dict[str, Any]:
    return {
        "storefront_id": value.storefront_id,
        "source_id": value.source_id,
        "name": value.name,
        "endpoint": value.endpoint,
        "protocol": value.protocol.value,
        "own_sandbox": value.own_sandbox,
        "probe_status": value.probe_status.value,
        "probe_message": value.probe_message,
        "probed_at": value.probed_at,
        "profile": codec.dump(SellerProfile, value.profile) if value.profile else None,
        "billing": value.billing,
        "operator_domain": value.operator_domain,
    }


def _read_source(row: Row[Any]) -> Source:
    return Source(
        AgentId(row.agent_id),
        StorefrontId(row.storefront_id),
        row.source_id,
        row.endpoint,
        Protocol(row.protocol),
        row.own_sandbox,
        ProbeStatus(row.probe_status),
        row.probe_message,
        row.probed_at,
        codec.load(SellerProfile, row.profile) if row.profile else None,
        row.name,
        row.billing,
        row.operator_domain,
    )


def _read_credential(row: Row[Any]) -> Credential:
    return Credential(
        CredentialId(row.id),
        StorefrontId(row.storefront_id),
        row.source_id,
        row.account_identifier,
        CredentialType(row.account_type),
        row.status,
        row.registered_by,
        row.created_at,
        row.updated_at,
    )


class PublicStorefronts:
    """Storefronts of the installation itself, which no account may change."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._conn = conn

    async def sandboxes(self) -> list[tuple[StorefrontId, str, Source]]:
        """The sandbox sellers that this server has run, with their names; also those that are out of sight."""
        rows = await self._conn.execute(
            select(source, storefront.c.name.label("storefront_name"))
            .join(storefront, storefront.c.id == source.c.storefront_id)
            .where(storefront.c.account_id.is_(None), source.c.own_sandbox.is_(True))
            .order_by(storefront.c.id)
        )
        return [(StorefrontId(row.storefront_id), row.storefront_name, _read_source(row)) for row in rows]

    async def show(self, storefront_id: StorefrontId, shown: bool, now: datetime) -> None:
        """In sight of every account, or not."""
        only = (storefront.c.id == storefront_id) & storefront.c.account_id.is_(None)
        await self._conn.execute(update(storefront).where(only).values(deleted_at=None if shown else now))
