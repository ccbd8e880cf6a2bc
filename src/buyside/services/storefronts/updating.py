from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from buyside.domain.accounts import Right
from buyside.domain.decisions import Subject, changes
from buyside.domain.errors import Forbidden, Invalid, Issue
from buyside.domain.ids import StorefrontId
from buyside.domain.storefronts import Auth, Protocol, Seller, Source, Storefront
from buyside.services import profiles
from buyside.services.storefronts import asking
from buyside.services.storefronts.asking import Found
from buyside.services.storefronts.reading import StorefrontView, view
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class SourceChange:
    """What is None stays as it is. `auth` replaces the credential of the registration."""

    source_id: str
    endpoint: str | None = None
    protocol: Protocol | None = None
    auth: Auth | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    name: str | None = None
    billing: str | None = None
    operator_domain: str | None = None

    @property
    def moves(self) -> bool:
        """The seller is reached in another way, so it has to be asked anew."""
        return any(each is not None for each in (self.endpoint, self.protocol, self.auth, self.headers))

    def to_seller(self, seller: Seller) -> Seller:
        """With no profile: what we knew was known of another address."""
        return replace(
            seller,
            endpoint=self.endpoint or seller.endpoint,
            protocol=self.protocol or seller.protocol,
            auth=self.auth if self.auth is not None else seller.auth,
            headers=self.headers if self.headers is not None else seller.headers,
            profile=None,
        )

    def to_source(self, source: Source) -> Source:
        return replace(
            source,
            endpoint=self.endpoint or source.endpoint,
            protocol=self.protocol or source.protocol,
            name=self.name or source.name,
            billing=self.billing or source.billing,
            operator_domain=self.operator_domain or source.operator_domain,
        )


@dataclass(frozen=True)
class Changes:
    name: str | None = None
    sources: Sequence[SourceChange] = ()


async def update(work: Work, storefront_id: StorefrontId, wanted: Changes) -> StorefrontView:
    """Change names, addresses and credentials; sellers that are reached in another way now are asked anew.

    Raises: NotFound, Forbidden for a public storefront, Invalid for a source that there is not or an address that
    this server does not call.
    """
    work.require(Right.STOREFRONTS)
    async with work.reading() as tx:
        shop = await _own(tx, storefront_id)
        sellers = {each.id: each for each in await tx.storefronts.sellers([storefront_id])}
    sources = _paired(shop, wanted.sources)
    moved = {
        index: (change, sellers[source.agent_id])
        for index, (change, source) in enumerate(sources)
        if change.moves and source.agent_id in sellers
    }
    asked = await asking.ask(work, [change.to_seller(seller) for change, seller in moved.values()])
    found = dict(zip(moved, asked, strict=True))
    asking.require_allowed(list(found.items()))
    async with work.writing() as tx:
        await _apply(tx, work, await tx.storefronts.lock(storefront_id), wanted, found)
    for _, seller in moved.values():
        await work.sellers.forget(seller)
    return await view(work, storefront_id)


async def _own(tx: Tx, storefront_id: StorefrontId) -> Storefront:
    shop = await tx.storefronts.get(storefront_id)
    if shop.owner is None:
        raise Forbidden(f"Storefront {shop.name} belongs to this installation; an account cannot change it.")
    return shop


def _paired(shop: Storefront, wanted: Sequence[SourceChange]) -> list[tuple[SourceChange, Source]]:
    known = {source.source_id: source for source in shop.sources}
    issues = [
        Issue(("sources", index, "sourceId"), f"{shop.name} has no source {change.source_id}.")
        for index, change in enumerate(wanted)
        if change.source_id not in known
    ]
    named = [change.source_id for change in wanted]
    issues += [
        Issue(("sources", index, "sourceId"), f"Source {change.source_id} is named twice.")
        for index, change in enumerate(wanted)
        if change.source_id in named[:index]
    ]
    issues += [
        issue
        for index, change in enumerate(wanted)
        if change.endpoint is not None and (issue := asking.address_issue(index, change.endpoint))
    ]
    if issues:
        raise Invalid.of(issues)
    return [(change, known[change.source_id]) for change in wanted]


async def _apply(tx: Tx, work: Work, shop: Storefront, wanted: Changes, found: Mapping[int, Found]) -> None:
    now = work.now()
    before, after = {"name": shop.name}, {"name": wanted.name or shop.name}
    await tx.storefronts.touch(shop.id, wanted.name or shop.name, now)
    for index, (change, source) in enumerate(_paired(shop, wanted.sources)):
        changed = change.to_source(source)
        if asked := found.get(index):
            # A seller that is down for the moment is still what it was, unless it is another one now.
            same = (changed.endpoint, changed.protocol) == (source.endpoint, source.protocol)
            profile = asked.profile or (source.profile if same else None)
            said = {"probe_status": asked.status, "probe_message": asked.message, "probed_at": now}
            changed = replace(changed, profile=profile, **said)  # type: ignore[arg-type]
        await tx.storefronts.save_source(changed, change.headers)
        if change.auth is not None:
            await tx.storefronts.set_auth(shop.id, source.source_id, change.auth, now)
        before |= {f"sources.{source.source_id}.{k}": v for k, v in _facts(source).items()}
        after |= {f"sources.{source.source_id}.{k}": v for k, v in {**_facts(changed), **_secrets(change)}.items()}
    was, is_now = changes(before, after)
    if is_now:
        text = f"Changed storefront {after['name']}: {', '.join(is_now)}."
        await tx.record("storefront.edited", text, subject(shop.id), before=was, after=is_now)


def _facts(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "endpointUrl": asking.shown(source.endpoint),
        "protocol": source.protocol.value,
        "billing": source.billing,
        "operatorDomain": source.operator_domain,
        "probeStatus": source.probe_status.value,
    }


def _secrets(change: SourceChange) -> dict[str, str]:
    """That they were replaced, never what they are."""
    given = {"auth": change.auth is not None, "headers": change.headers is not None}
    return {name: "replaced" for name, replaced in given.items() if replaced}


async def probe(work: Work, storefront_id: StorefrontId) -> StorefrontView:
    """Ask each of its sellers anew what it is. Raises: NotFound."""
    work.require(Right.STOREFRONTS)
    async with work.reading() as tx:
        before = (await tx.storefronts.get(storefront_id)).sources
        sellers = await tx.storefronts.sellers([storefront_id])
    await profiles.refresh(work, sellers)
    async with work.writing() as tx:
        shop = await tx.storefronts.get(storefront_id)
        was, is_now = changes(_standing(before), _standing(shop.sources))
        if is_now:
            text = f"Probed storefront {shop.name}: {len(is_now)} of its sales agents answer otherwise than before."
            await tx.record("storefront.probed", text, subject(shop.id), before=was, after=is_now)
    return await view(work, storefront_id)


def _standing(sources: Sequence[Source]) -> dict[str, Any]:
    return {
        source.agent_id: {
            "probeStatus": source.probe_status.value,
            "tools": sorted(source.profile.tools) if source.profile else [],
            "versions": list(source.profile.versions) if source.profile else [],
        }
        for source in sources
    }


async def delete(work: Work, storefront_id: StorefrontId) -> None:
    """Out of sight, its secrets destroyed; what was bought there stays readable.

    Raises: NotFound, Forbidden for a public storefront, Conflict while a buy at it lives.
    """
    work.require(Right.STOREFRONTS)
    async with work.writing() as tx:
        shop = await _own(tx, storefront_id)
        sellers = await tx.storefronts.sellers([storefront_id])
        await tx.storefronts.lock(storefront_id)
        await tx.storefronts.delete(storefront_id, work.now())
        before = {"name": shop.name, "sources": [_facts(source) for source in shop.sources]}
        await tx.record(
            "storefront.deleted", f"Deleted storefront {shop.name}.", subject(shop.id), before=before, after={}
        )
    for seller in sellers:
        await work.sellers.forget(seller)


def subject(storefront_id: StorefrontId) -> Subject:
    return Subject("storefront", str(storefront_id))
