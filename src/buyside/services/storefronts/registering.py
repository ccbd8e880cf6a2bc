from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from buyside.domain.accounts import Right
from buyside.domain.decisions import Subject
from buyside.domain.errors import Conflict, Invalid, Issue
from buyside.domain.ids import AgentId, StorefrontId
from buyside.domain.storefronts import Auth, Protocol, Seller, Source, Storefront, Visibility
from buyside.services.storefronts import asking
from buyside.services.storefronts.asking import Found
from buyside.services.storefronts.reading import StorefrontView, view
from buyside.services.work import Tx, Work

SLUG_LENGTH = 60


@dataclass(frozen=True)
class NewSource:
    """A sales agent to be registered. Without an id it gets one."""

    endpoint: str
    protocol: Protocol
    auth: Auth = field(default_factory=Auth)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source_id: str | None = None
    name: str | None = None
    billing: str | None = None
    operator_domain: str | None = None


@dataclass(frozen=True)
class NewStorefront:
    name: str
    sources: Sequence[NewSource]
    platform_id: str | None = None
    """None: made from the name."""


async def register(work: Work, new: NewStorefront) -> StorefrontView:
    """Probe each seller over the wire and store what was found, also when nobody answered (ruling 0.8).

    Raises: Invalid for an address that this server does not call, Conflict for a slug that is taken.
    """
    work.require(Right.STOREFRONTS)
    if issues := list(_issues(new.sources)):
        raise Invalid.of(issues)
    sellers = [_seller(work, new, source) for source in new.sources]
    found = await asking.ask(work, sellers)
    asking.require_allowed(list(enumerate(found)))
    async with work.writing() as tx:
        await tx.accounts.lock()
        made = await _add(tx, work, new, found)
        await tx.record(
            "storefront.registered",
            f"Registered storefront {new.name} with {len(new.sources)} sales agents.",
            Subject("storefront", str(made)),
            after=_facts(new, found),
        )
    return await view(work, made)


def _issues(sources: Sequence[NewSource]) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, source in enumerate(sources):
        if issue := asking.address_issue(index, source.endpoint):
            yield issue
        if source.source_id in seen:
            yield Issue(("sources", index, "sourceId"), "Another source of this storefront has this id.")
        if source.source_id is not None:
            seen.add(source.source_id)


def _seller(work: Work, new: NewStorefront, source: NewSource) -> Seller:
    return Seller(
        AgentId(work.new_id("agent", 12)),
        source.name or new.name,
        StorefrontId(0),
        new.name,
        source.endpoint,
        source.protocol,
        source.auth,
        source.headers,
    )


async def _add(tx: Tx, work: Work, new: NewStorefront, found: Sequence[Found]) -> StorefrontId:
    now = work.now()
    slug = await _free_slug(tx, work, new)
    made = await tx.storefronts.add(
        Storefront(StorefrontId(0), work.caller.account, slug, new.name, Visibility.PRIVATE, now, now)
    )
    for index, (source, each) in enumerate(zip(new.sources, found, strict=True)):
        row = _row(made.id, source, each, source.source_id or _source_id(index, new.sources), now)
        await tx.storefronts.add_source(row, source.headers)
        await tx.storefronts.set_auth(made.id, row.source_id, source.auth, now)
    return made.id


def _row(storefront_id: StorefrontId, source: NewSource, found: Found, source_id: str, now: datetime) -> Source:
    return Source(
        found.seller.id,
        storefront_id,
        source_id,
        source.endpoint,
        source.protocol,
        False,
        found.status,
        found.message,
        now,
        found.profile,
        source.name,
        source.billing,
        source.operator_domain,
    )


def _source_id(index: int, sources: Sequence[NewSource]) -> str:
    """source-1, source-2 …, but never one that was given to another."""
    given = {each.source_id for each in sources}
    number = index + 1
    while f"source-{number}" in given:
        number += len(sources)
    return f"source-{number}"


async def _free_slug(tx: Tx, work: Work, new: NewStorefront) -> str:
    if new.platform_id is not None:
        if await tx.storefronts.is_taken(new.platform_id):
            raise Conflict(f"There is a storefront {new.platform_id} already.", field="platformId")
        return new.platform_id
    slug = slug_of(new.name)
    while await tx.storefronts.is_taken(slug):
        slug = work.new_number(slug_of(new.name), 4).replace("_", "-")
    return slug


def slug_of(name: str) -> str:
    """ "Nördliche Zeitung & Co" → "nordliche-zeitung-co"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH].strip("-") or "storefront"


def _facts(new: NewStorefront, found: Sequence[Found]) -> dict[str, Any]:
    return {"name": new.name, "sources": [_source_facts(*pair) for pair in zip(new.sources, found, strict=True)]}


def _source_facts(source: NewSource, found: Found) -> dict[str, Any]:
    return {
        "salesAgentId": found.seller.id,
        "endpointUrl": asking.shown(source.endpoint),
        "protocol": source.protocol.value,
        "auth": source.auth.kind.value,
        "headers": sorted(source.headers),
        "probeStatus": found.status.value,
    }
