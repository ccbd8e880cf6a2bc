"""Which function answers which tool."""

from __future__ import annotations

from collections.abc import Callable

from buyside.sandbox import Doc, accounts, buys, changes, creatives, delivery, discovery, tasks
from buyside.sandbox.seller import Request, Seller

TOOLS: dict[str, Callable[[Seller, Request], Doc]] = {
    "get_adcp_capabilities": discovery.capabilities,
    "sync_accounts": accounts.sync,
    "list_accounts": accounts.listed,
    "get_products": discovery.products,
    "list_creative_formats": discovery.creative_formats,
    "sync_creatives": creatives.sync,
    "list_creatives": creatives.listed,
    "create_media_buy": buys.create,
    "update_media_buy": changes.update,
    "get_media_buys": buys.listed,
    "get_media_buy_delivery": delivery.report,
    "get_task_status": tasks.status,
    "tasks/get": tasks.status,
    "list_tasks": tasks.listed,
}
