"""The sandbox sellers that this server runs itself: public storefronts, connected for every account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from buyside.domain.ids import AccountId, AgentId, StorefrontId
from buyside.domain.storefronts import ProbeStatus, Protocol, Seller, Source, Storefront, Visibility
from buyside.services.storefronts import asking
from buyside.services.storefronts.registering import slug_of
from buyside.services.work import Runtime, Work
from buyside.store.storefronts import PublicStorefronts

NOBODY = AccountId(0)
"""Sees public storefronts only, as there is no such account."""


@dataclass(frozen=True)
class SandboxSeller:
    name: str
    protocol: Protocol
    endpoint: str


async def ensure_sandbox(runtime: Runtime, running: Sequence[SandboxSeller]) -> tuple[SandboxSeller, ...]:
    """Make them known, or known at their new addresses: ports change from start to start."""
    work = runtime.as_system(NOBODY, "sandbox")
    known = await _known(runtime)
    sellers = [_seller(work, each, known.get(each.name)) for each in running]
    for each, found in zip(running, await asking.ask(work, sellers), strict=True):
        said = Source(
            found.seller.id,
            found.seller.storefront_id,
            "sandbox",
            each.endpoint,
            each.protocol,
            True,
            found.status,
            found.message,
            work.now(),
            found.profile,
            each.name,
        )
        await _store(work, said, is_new=each.name not in known)
    return tuple(running)


async def _known(runtime: Runtime) -> dict[str, Source]:
    async with runtime.database.read.connect() as conn:
        return {name: replace(source, name=name) for _, name, source in await PublicStorefronts(conn).sandboxes()}


def _seller(work: Work, wanted: SandboxSeller, known: Source | None) -> Seller:
    agent_id = known.agent_id if known else AgentId(work.new_id("agent", 12))
    storefront_id = known.storefront_id if known else StorefrontId(0)
    return Seller(agent_id, wanted.name, storefront_id, wanted.name, wanted.endpoint, wanted.protocol, own_sandbox=True)


async def _store(work: Work, source: Source, *, is_new: bool) -> None:
    now, name = work.now(), source.name or ""
    async with work.writing() as tx:
        if is_new:
            shop = Storefront(StorefrontId(0), None, slug_of(name), name, Visibility.PUBLIC, now, now)
            made = await tx.storefronts.add(shop)
            await tx.storefronts.add_source(replace(source, storefront_id=made.id), {})
        else:
            await tx.storefronts.save_source(source)
            await tx.public_storefronts.show(source.storefront_id, True, now)


async def sandbox_sellers(runtime: Runtime) -> tuple[SandboxSeller, ...]:
    """Those that another process of this installation runs."""
    return tuple(SandboxSeller(name, s.protocol, s.endpoint) for name, s in (await _known(runtime)).items())


async def retire_sandbox(runtime: Runtime) -> None:
    """They do not run any more: out of sight, unless a buy there still lives; then shown as what they are."""
    work = runtime.as_system(NOBODY, "sandbox")
    for source in (await _known(runtime)).values():
        async with work.writing() as tx:
            down = "It does not run: start the server with --sandbox."
            await tx.storefronts.save_source(
                replace(source, probe_status=ProbeStatus.UNAVAILABLE, probe_message=down, probed_at=work.now())
            )
            if not await tx.storefronts.live_buys(source.storefront_id):
                await tx.public_storefronts.show(source.storefront_id, False, work.now())
