"""How each kind of decision is taken back: by the very service that made it, so that its rules hold again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buyside.domain import advertisers as advertiser_rules
from buyside.domain import campaigns as campaign_rules
from buyside.domain.accounts import Limit, limit_facts, limit_of
from buyside.domain.decisions import Decision, taken_back
from buyside.domain.errors import Rejected
from buyside.domain.ids import AdvertiserId, CampaignId, MediaBuyId, StopId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.previews import Call, Preview
from buyside.services import accounts, advertisers, campaigns, media_buys, stops
from buyside.services.campaigns import pausing
from buyside.services.work import Tx, Work

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Undo:
    """`by`: the action of the entry that taking back writes. `calls`: what it would ask of sellers."""

    by: str
    now: Callable[[Tx, Decision], Awaitable[Facts]]
    """What stands now of that which the entry changed."""
    act: Callable[[Work, Decision], Awaitable[object]]
    calls: Callable[[Tx, Decision], Awaitable[list[Call]]] | None = None
    """None: nobody is called, so the act itself can be tried in a transaction that is taken back."""
    preview: Callable[[Work, Decision], Awaitable[Preview]] | None = None
    """In place of `calls`, where the service previews by itself."""


# ---- advertisers


async def _advertiser_now(tx: Tx, entry: Decision) -> Facts:
    return advertiser_rules.facts((await tx.advertisers.get(_advertiser(entry))).spec)


async def _advertiser_back(work: Work, entry: Decision) -> object:
    def edit(spec: advertiser_rules.AdvertiserSpec) -> advertiser_rules.AdvertiserSpec:
        return advertiser_rules.with_facts(spec, taken_back(entry, advertiser_rules.facts(spec)))

    return await advertisers.update(work, _advertiser(entry), edit)


async def _advertiser_status(tx: Tx, entry: Decision) -> Facts:
    return {"status": (await tx.advertisers.get(_advertiser(entry))).status.value}


async def _restore(work: Work, entry: Decision) -> object:
    return await advertisers.restore(work, _advertiser(entry))


async def _archive(work: Work, entry: Decision) -> object:
    await advertisers.delete(work, _advertiser(entry))
    return entry


def _advertiser(entry: Decision) -> AdvertiserId:
    return AdvertiserId(int(entry.subject.id))


# ---- campaigns


async def _campaign_now(tx: Tx, entry: Decision) -> Facts:
    return campaign_rules.facts((await tx.campaigns.get(CampaignId(entry.subject.id))).spec)


async def _campaign_back(work: Work, entry: Decision) -> object:
    def edit(campaign: campaign_rules.Campaign) -> campaign_rules.CampaignSpec:
        spec = campaign.spec
        return campaign_rules.with_facts(spec, taken_back(entry, campaign_rules.facts(spec)))

    return await campaigns.update(work, CampaignId(entry.subject.id), edit)


async def _campaign_status(tx: Tx, entry: Decision) -> Facts:
    campaign = await tx.campaigns.get(CampaignId(entry.subject.id))
    return {**(entry.after or {}), "status": campaign.status.value}


async def _pause_campaign(work: Work, entry: Decision) -> object:
    return await campaigns.pause(work, CampaignId(entry.subject.id))


async def _reactivate_campaign(work: Work, entry: Decision) -> object:
    return await campaigns.reactivate(work, CampaignId(entry.subject.id))


def _cascade(action: campaign_rules.Action) -> Callable[[Tx, Decision], Awaitable[list[Call]]]:
    async def calls(tx: Tx, entry: Decision) -> list[Call]:
        campaign = await tx.campaigns.get(CampaignId(entry.subject.id))
        campaign.then(action)
        buys = pausing.touched(await tx.media_buys.of(campaign.id), action)
        return [_call(buy, paused=action is campaign_rules.Action.PAUSE) for buy in buys]

    return calls


# ---- media buys


async def _buy_status(tx: Tx, entry: Decision) -> Facts:
    buy = await tx.media_buys.get(MediaBuyId(entry.subject.id))
    return {**(entry.after or {}), "status": buy.status.value}


async def _pause_buy(work: Work, entry: Decision) -> object:
    return _done(await media_buys.pause(work, MediaBuyId(entry.subject.id)))


async def _reactivate_buy(work: Work, entry: Decision) -> object:
    return _done(await media_buys.reactivate(work, MediaBuyId(entry.subject.id)))


def _done(changed: media_buys.Changed) -> object:
    if changed.error is not None:
        raise Rejected(changed.error)
    return changed


def _one_buy(*, paused: bool) -> Callable[[Tx, Decision], Awaitable[list[Call]]]:
    async def calls(tx: Tx, entry: Decision) -> list[Call]:
        return [_call(await tx.media_buys.get(MediaBuyId(entry.subject.id)), paused=paused)]

    return calls


def _call(buy: MediaBuy, *, paused: bool) -> Call:
    told = {"media_buy_id": buy.seller_buy_id, "paused": paused}
    return Call(buy.id, buy.agent_id, buy.storefront_id, "update_media_buy", buy.budget.currency, told)


# ---- stops


async def _stop_status(tx: Tx, entry: Decision) -> Facts:
    return {"status": "standing" if (await tx.stops.get(StopId(entry.subject.id))).standing else "undone"}


async def _undo_stop(work: Work, entry: Decision) -> object:
    return await stops.undo(work, StopId(entry.subject.id))


async def _preview_undo(work: Work, entry: Decision) -> Preview:
    return await stops.preview_undo(work, StopId(entry.subject.id))


# ---- limits


async def _limits_now(tx: Tx, _: Decision) -> Facts:
    return _limits(await tx.accounts.limits())


async def _limits_back(work: Work, entry: Decision) -> object:
    before = [limit_of(each) for each in (entry.before or {})["limits"]]
    return await accounts.set_limits(work, before, check=lambda now: _unchanged(entry, now))


def _unchanged(entry: Decision, now: Sequence[Limit]) -> None:
    taken_back(entry, _limits(now))


def _limits(limits: Sequence[Limit]) -> Facts:
    return {"limits": [limit_facts(each) for each in limits]}


_PAUSE, _REACTIVATE = campaign_rules.Action.PAUSE, campaign_rules.Action.REACTIVATE
UNDO: Mapping[str, Undo] = {
    "advertiser.edited": Undo("advertiser.edited", _advertiser_now, _advertiser_back),
    "advertiser.archived": Undo("advertiser.restored", _advertiser_status, _restore),
    "advertiser.restored": Undo("advertiser.archived", _advertiser_status, _archive),
    "campaign.edited": Undo("campaign.edited", _campaign_now, _campaign_back),
    "campaign.paused": Undo("campaign.reactivated", _campaign_status, _reactivate_campaign, _cascade(_REACTIVATE)),
    "campaign.reactivated": Undo("campaign.paused", _campaign_status, _pause_campaign, _cascade(_PAUSE)),
    "media_buy.paused": Undo("media_buy.resumed", _buy_status, _reactivate_buy, _one_buy(paused=False)),
    "media_buy.resumed": Undo("media_buy.paused", _buy_status, _pause_buy, _one_buy(paused=True)),
    "stop.made": Undo("stop.undone", _stop_status, _undo_stop, preview=_preview_undo),
    "limits.set": Undo("limits.set", _limits_now, _limits_back),
}
"""What can be taken back. Everything else needs a decision of its own: a buy that was placed is cancelled, a key that
was revoked is gone."""
