"""Stops: make one, show it, list them, undo it; each write also as a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from buyside.client.calls import Client


@dataclass(frozen=True)
class Line:
    media_buy_id: str
    message: str


@dataclass(frozen=True)
class Listed:
    stop_id: str
    standing: bool
    reason: str
    made_by: str
    created_at: str
    advertiser_id: str | None = None
    storefront_id: str | None = None
    undone_at: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As it came."""

    @property
    def scope(self) -> str:
        named = [
            f"advertiser {self.advertiser_id}" if self.advertiser_id else "",
            f"storefront {self.storefront_id}" if self.storefront_id else "",
        ]
        return " at ".join(each for each in named if each) or "the whole account"


@dataclass(frozen=True)
class Stop(Listed):
    paused: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    kept: tuple[Line, ...] = ()
    refused: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A call that would be made to a seller."""

    media_buy_id: str
    sales_agent_id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Preview:
    planned: tuple[Planned, ...]
    refusals: tuple[Line, ...]
    """`media_buy_id` is empty where all of it would be refused."""
    warnings: tuple[str, ...]
    held: tuple[str, ...] = ()
    """Buys whose mark would change without a call: they wait."""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


def make(client: Client, reason: str, *, advertiser_id: str | None = None, storefront_id: int | None = None) -> Stop:
    """Raises: Refused, Unheard."""
    return _stop(client.call("POST", "/stops", _body(reason, advertiser_id, storefront_id)))


def preview(
    client: Client, reason: str, *, advertiser_id: str | None = None, storefront_id: int | None = None
) -> Preview:
    """Raises: Refused, Unheard."""
    return _preview(client.call("POST", "/stops", _body(reason, advertiser_id, storefront_id), preview=True))


def undo(client: Client, stop_id: str, reason: str | None = None) -> Stop:
    """Raises: Refused, Unheard."""
    return _stop(client.call("POST", f"{_path(stop_id)}/undo", {"reason": reason} if reason else {}))


def preview_undo(client: Client, stop_id: str) -> Preview:
    """Raises: Refused, Unheard."""
    return _preview(client.call("POST", f"{_path(stop_id)}/undo", {}, preview=True))


def get(client: Client, stop_id: str) -> Stop:
    """Raises: Refused, Unheard."""
    return _stop(client.call("GET", _path(stop_id)))


def newest(client: Client, take: int = 50) -> list[Listed]:
    """Raises: Refused, Unheard."""
    return [Listed(**_facts(each)) for each in client.call("GET", "/stops", take=take).get("stops", ())]


def _path(stop_id: str) -> str:
    return f"/stops/{quote(stop_id, safe='')}"


def _body(reason: str, advertiser_id: str | None, storefront_id: int | None) -> dict[str, Any]:
    made = {"reason": reason, "advertiserId": advertiser_id, "storefrontId": storefront_id}
    return {name: value for name, value in made.items() if value is not None}


def _facts(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stop_id": found["stopId"],
        "standing": found["status"] == "standing",
        "reason": found["reason"],
        "made_by": found["madeBy"],
        "created_at": found["createdAt"],
        "advertiser_id": found.get("advertiserId"),
        "storefront_id": found.get("storefrontId"),
        "undone_at": found.get("undoneAt"),
        "document": found,
    }


def _stop(found: Mapping[str, Any]) -> Stop:
    return Stop(
        **_facts(found),
        paused=tuple(found["paused"]),
        held=tuple(found.get("held", ())),
        resumed=tuple(found.get("resumed", ())),
        kept=tuple(Line(each["mediaBuyId"], each["message"]) for each in found.get("kept", ())),
        refused=tuple(Line(each["mediaBuyId"], each["message"]) for each in found["refused"]),
    )


def _preview(found: Mapping[str, Any]) -> Preview:
    planned = tuple(
        Planned(each["mediaBuyId"], each["salesAgentId"], each["tool"], each["arguments"])
        for each in found["operations"]
    )
    called = {each.media_buy_id for each in planned}
    marked = [each["path"].split(".")[1] for each in found["changes"] if each["path"].startswith("mediaBuys.")]
    return Preview(
        planned,
        tuple(Line(each.get("mediaBuyId", ""), each["message"]) for each in found["refusals"]),
        tuple(found["warnings"]),
        tuple(each for each in marked if each not in called),
        found,
    )
