"""Advertisers: whose brand is promoted. Archived rather than deleted, so that what was bought stays explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from buyside.domain import advertisers as rules
from buyside.domain import utm
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser, AdvertiserSpec, FeeTerm, Status
from buyside.domain.decisions import Subject, changes
from buyside.domain.errors import Conflict, Invalid, NotFound
from buyside.domain.frequency import KeptCap, Level
from buyside.domain.ids import AdvertiserId
from buyside.services.data_delivery import outputs_bound
from buyside.services.work import Tx, Work

_NO_CREDENTIAL = "dataDelivery.outputs[0].credentialName"

Edit = Callable[[AdvertiserSpec], AdvertiserSpec]


@dataclass(frozen=True)
class Filter:
    """`status` None: all of them."""

    status: Status | None = Status.ACTIVE
    name: str | None = None
    sandbox: bool | None = None


@dataclass(frozen=True)
class Shown:
    """An advertiser with the fee terms that hold for it: its own, else the installation's."""

    advertiser: Advertiser
    fees: tuple[FeeTerm, ...]
    brand_warning: str | None = None
    utm_params: tuple[utm.Param, ...] = ()
    """Its own parameters, else the installation's."""
    frequency_caps: tuple[KeptCap, ...] = ()


async def page(work: Work, wanted: Filter, *, limit: int, offset: int) -> tuple[list[Advertiser], int]:
    """One page by id, and how many there are in all."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.advertisers.page(
            status=wanted.status, name=wanted.name, sandbox=wanted.sandbox, limit=limit, offset=offset
        )


async def seat(work: Work, named: str) -> AdvertiserId:
    """The advertiser that a caller says to work for. Raises: NotFound unless it is one of the account's, in use."""
    work.require(Right.READ)
    text = named.strip()
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 15):
        raise NotFound(f"There is no advertiser {text[:100]}.")
    async with work.reading() as tx:
        found = await tx.advertisers.get(AdvertiserId(int(text)))
    if found.status is not Status.ACTIVE:
        raise NotFound(f"There is no advertiser {text} in use.")
    return found.id


async def get(work: Work, advertiser_id: AdvertiserId) -> Shown:
    work.require(Right.READ)
    async with work.reading() as tx:
        return await _shown(tx, work, await tx.advertisers.get(advertiser_id))


async def create(work: Work, spec: AdvertiserSpec, *, sandbox: bool = False) -> Shown:
    """`spec.brand_domain` may be a domain or an address on it. Raises: Invalid."""
    work.require(Right.ADVERTISERS)
    if spec.fees is not None:
        work.require(Right.FEES)
    spec = _checked(spec)
    now = work.now()
    new = Advertiser(AdvertiserId(0), spec, Status.ACTIVE, sandbox, False, now, now)
    async with work.writing() as tx:
        if spec.data_outputs:
            raise Invalid(f"There is no credential {spec.data_outputs[0].credential_name}.", field=_NO_CREDENTIAL)
        made = await tx.advertisers.add(new)
        after = rules.facts(spec) | {"sandbox": sandbox}
        await tx.frequency_caps.replace(Level.ADVERTISER, str(made.id), spec.frequency_caps, now)
        await tx.record("advertiser.created", f"Made advertiser {spec.name}.", _subject(made), after=after)
        return await _shown(tx, work, made, brand_given=True)


async def update(work: Work, advertiser_id: AdvertiserId, edit: Edit) -> Shown:
    """Change what `edit` makes different; a change of nothing leaves no trace.

    Fees hold for buys made from now on (ruling 0.1). Raises: Invalid, Conflict, Forbidden for fees without the right.
    """
    work.require(Right.ADVERTISERS)
    async with work.writing() as tx:
        before = await tx.advertisers.lock(advertiser_id)
        after = await _edited(tx, work, before, edit)
        if after is not before:
            await _save(tx, work, before, after)
        return await _shown(tx, work, after, brand_given=after.spec.brand_domain != before.spec.brand_domain)


async def _edited(tx: Tx, work: Work, advertiser: Advertiser, edit: Edit) -> Advertiser:
    spec = edit(advertiser.spec)
    if spec.fees == _fees(work, advertiser):
        # Who sends back what was shown sets nothing: the installation's terms stay the installation's.
        spec = replace(spec, fees=advertiser.spec.fees)
    if spec.fees != advertiser.spec.fees:
        work.require(Right.FEES)
    spec = _checked(spec)
    outputs = await outputs_bound(tx, work, advertiser.id, spec.data_outputs, advertiser.spec.data_outputs)
    spec = replace(spec, data_outputs=outputs)
    if spec == advertiser.spec:
        return advertiser
    advertiser.require_active()
    if spec.currency != advertiser.spec.currency and advertiser.currency_locked:
        raise Conflict(
            f"{advertiser.spec.name} has campaigns in {advertiser.spec.currency}; its currency stays.",
            field="primaryCurrency",
        )
    return replace(advertiser, spec=spec, updated_at=work.now())


async def _save(tx: Tx, work: Work, before: Advertiser, after: Advertiser) -> None:
    await tx.advertisers.save(after)
    if after.spec.frequency_caps != before.spec.frequency_caps:
        await tx.frequency_caps.replace(Level.ADVERTISER, str(after.id), after.spec.frequency_caps, work.now())
    was, now = changes(rules.facts(before.spec), rules.facts(after.spec))
    text = f"Changed {', '.join(now)} of advertiser {after.spec.name}."
    await tx.record("advertiser.edited", text, _subject(after), before=was, after=now)


async def delete(work: Work, advertiser_id: AdvertiserId) -> None:
    """Archive it; one that is archived already stays so. Nothing new can be bought for it.

    Raises: NotFound; Conflict while a campaign of it may spend.
    """
    work.require(Right.DELETE_ADVERTISERS)
    async with work.writing() as tx:
        advertiser = await tx.advertisers.lock(advertiser_id)
        if advertiser.status is Status.ARCHIVED:
            return
        if running := await tx.advertisers.running_campaigns(advertiser_id):
            raise Conflict(f"{running} campaigns of {advertiser.spec.name} are active or paused; end them first.")
        await _turn(tx, work, advertiser, Status.ARCHIVED, "archived")


async def restore(work: Work, advertiser_id: AdvertiserId) -> Shown:
    """Raises: NotFound, also when it is not archived."""
    work.require(Right.DELETE_ADVERTISERS)
    async with work.writing() as tx:
        advertiser = await tx.advertisers.lock(advertiser_id)
        if advertiser.status is not Status.ARCHIVED:
            raise NotFound(f"There is no archived advertiser {advertiser_id}.")
        return await _shown(tx, work, await _turn(tx, work, advertiser, Status.ACTIVE, "restored"))


async def _turn(tx: Tx, work: Work, advertiser: Advertiser, status: Status, verb: str) -> Advertiser:
    turned = replace(advertiser, status=status, updated_at=work.now())
    await tx.advertisers.save(turned)
    await tx.record(
        f"advertiser.{verb}",
        f"{verb.capitalize()} advertiser {advertiser.spec.name}.",
        _subject(advertiser),
        before={"status": advertiser.status.value},
        after={"status": status.value},
    )
    return turned


def _checked(spec: AdvertiserSpec) -> AdvertiserSpec:
    rules.require_currency(spec.currency)
    rules.check_fees(spec.fees or ())
    utm.check(spec.utm_params or (), ("utmConfig",))
    return spec if spec.brand_domain is None else replace(spec, brand_domain=rules.brand_domain(spec.brand_domain))


def _fees(work: Work, advertiser: Advertiser) -> tuple[FeeTerm, ...]:
    return work.policy.default_fees if advertiser.spec.fees is None else advertiser.spec.fees


async def _shown(tx: Tx, work: Work, advertiser: Advertiser, *, brand_given: bool = False) -> Shown:
    warning = f"This server looks up no brand data: sellers are told {advertiser.spec.brand_domain} and nothing more."
    params = utm.defaults(work.policy.utm_source) if advertiser.spec.utm_params is None else advertiser.spec.utm_params
    caps = await tx.frequency_caps.of(Level.ADVERTISER, str(advertiser.id)) if advertiser.spec.frequency_caps else ()
    return Shown(advertiser, _fees(work, advertiser), warning if brand_given else None, params, tuple(caps))


def _subject(advertiser: Advertiser) -> Subject:
    return Subject("advertiser", str(advertiser.id), advertiser_id=advertiser.id)
