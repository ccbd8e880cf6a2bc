"""The switches that make the seller behave as the worst of them do.

A fault is named at start (`NAME[=VALUE][@TOOL][*TIMES]`) or at run time, where it may be limited to a tool, to a
number of times, and to a product.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

CREATE = frozenset({"create_media_buy"})
UPDATE = frozenset({"update_media_buy"})
CREATIVES = frozenset({"sync_creatives"})
MUTATIONS = CREATE | UPDATE | CREATIVES | {"sync_accounts"}
TOOLS = MUTATIONS | {
    "get_adcp_capabilities",
    "list_accounts",
    "get_products",
    "list_creative_formats",
    "list_creatives",
    "get_media_buys",
    "get_media_buy_delivery",
    "get_task_status",
    "tasks/get",
    "list_tasks",
}


@dataclass(frozen=True)
class Kind:
    summary: str
    tools: frozenset[str] = TOOLS
    default: str = ""
    times: int | None = None


KINDS: dict[str, Kind] = {
    "approval": Kind("manual: a create is submitted, and waits for /_sandbox/decide", CREATE, "manual"),
    "approval_after": Kind("a create is submitted, and approved after SECONDS of the simulated clock", CREATE, "60"),
    "pending": Kind("a create succeeds at once, but its buy waits for approval", CREATE),
    "creative_review": Kind("creatives wait for /_sandbox/decide before they are approved", CREATIVES),
    "reject": Kind("a create is refused with CODE", CREATE, "POLICY_VIOLATION"),
    "refuse_update": Kind("an update is refused with CODE", UPDATE, "INVALID_STATE"),
    "rate_limit": Kind("RATE_LIMITED, to be tried again after SECONDS", default="1"),
    "slow": Kind("works for SECONDS, commits at the end of them, then answers", default="1"),
    "slow_commit": Kind("commits at once, answers after SECONDS", MUTATIONS, "1"),
    "cut_before_commit": Kind("books nothing and closes the connection without an answer", MUTATIONS),
    "cut_after_commit": Kind("books, then closes the connection without an answer", MUTATIONS),
    "timeout_after_commit": Kind("books, then never answers, or cuts after SECONDS", MUTATIONS),
    "no_idempotency": Kind("declares no idempotency and ignores keys: a repeat books again"),
    "idempotency_expired": Kind("a key seen before is answered with IDEMPOTENCY_EXPIRED", MUTATIONS),
    "stale_revision": Kind(
        "somebody else changes the buy first: CONFLICT, once unless told otherwise", UPDATE, times=1
    ),
    "completed_with_errors": Kind("status completed, errors with CODE, and no artifact", CREATE | UPDATE, "CONFLICT"),
    "needs_input": Kind("a create answers input-required", CREATE, "A person must look at this order."),
    "wrong_budget": Kind("books each package at a budget other than asked, or at AMOUNT", CREATE),
    "wrong_currency": Kind("books in another currency, or in CURRENCY", CREATE),
    "wrong_dates": Kind("books a flight that ends a day late", CREATE),
    "refuse_paused": Kind("ignores paused on a create", CREATE),
    "drop_creatives": Kind("creatives fail, all of them or the one named", CREATIVES),
    "claims_status": Kind(
        "get_media_buys calls every buy STATUS, whatever it is", frozenset({"get_media_buys"}), "canceled"
    ),
    "totals_only": Kind("delivery is not broken down by day", frozenset({"get_media_buy_delivery"})),
    "restate": Kind("delivery of all days is PERCENT of what it was", frozenset({"get_media_buy_delivery"}), "90"),
    "null_filled": Kind("every absent optional field is sent as null"),
    "unknown_argument_rejection": Kind("refuses arguments that its inputSchema does not list, and lists few"),
    "legacy_status": Kind("3.0: the media-buy status in the root status, and little else in a success"),
    "huge_tools_list": Kind("tools/list weighs about 3 MB"),
    "sse": Kind("MCP answers are event streams"),
    "a2a_version": Kind("A2A knows the method names of VERSION only (1.0 or 0.3)", default="1.0"),
    "http_error": Kind("answers the HTTP status CODE instead", default="500"),
    "require_sync_accounts": Kind("ACCOUNT_NOT_FOUND until sync_accounts"),
    "require_headers": Kind("401 without NAME:VALUE (several with ;)"),
    "require_token": Kind("401 without the bearer token TOKEN"),
    "unauthorized": Kind("401 whatever is presented"),
    "no_a2a": Kind("no A2A, no agent card"),
    "no_mcp": Kind("no MCP"),
    "down": Kind("503 on everything but /_sandbox"),
}
_NUMBERS = {"slow", "slow_commit", "rate_limit", "approval_after", "restate"}
_NEEDS_A_VALUE = {"require_headers", "require_token"}


@dataclass(frozen=True)
class Fault:
    name: str
    value: str
    tools: frozenset[str]
    times: int | None = None
    product_id: str | None = None
    scoped: bool = False

    @property
    def seconds(self) -> float:
        return float(self.value)

    def doc(self) -> dict[str, object]:
        return {
            "name": self.name,
            "value": self.value,
            "tool": next(iter(self.tools)) if self.scoped else None,
            "times": self.times,
            "product_id": self.product_id,
        }


def make(
    name: str, value: object = True, *, tool: str | None = None, times: int | None = None, product_id: str | None = None
) -> Fault:
    """Raises: ValueError for a fault or a tool that there is not, or a value that it cannot have."""
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"there is no fault {name!r}; there are: {', '.join(sorted(KINDS))}")
    if tool is not None and tool not in TOOLS:
        raise ValueError(f"there is no tool {tool!r}")
    text = kind.default if value is True or value is None or value == "" else str(value)
    if name in _NEEDS_A_VALUE and not text:
        raise ValueError(f"{name} needs a value")
    if (name in _NUMBERS or (name == "timeout_after_commit" and text)) and not _is_number(text):
        raise ValueError(f"{name} needs a number, 0 or more: {text!r} is none")
    if times is not None and times < 1:
        raise ValueError(f"{name} strikes once or more often, not {times} times")
    tools = frozenset({tool}) if tool else kind.tools
    return Fault(name, text, tools, times if times is not None else kind.times, product_id, scoped=tool is not None)


def _is_number(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


def parse(text: str) -> Fault:
    """`NAME[=VALUE][@TOOL][*TIMES]`, as on the command line. Raises: ValueError."""
    head, star, times = text.rpartition("*")
    if not star or not times.strip().isdecimal():
        head, times = text, ""
    rest, at, tool = head.rpartition("@")
    if not at or tool.strip() not in TOOLS:
        rest, tool = head, ""
    name, _, value = rest.partition("=")
    return make(name.strip(), value, tool=tool.strip() or None, times=int(times) if times else None)


class Faults:
    def __init__(self, at_start: Sequence[str] = ()) -> None:
        self._at_start = tuple(parse(text) for text in at_start)
        self._set: list[Fault] = list(self._at_start)

    def reset(self) -> None:
        self._set = list(self._at_start)

    def set(self, fault: Fault) -> None:
        def same(other: Fault) -> bool:
            return (other.name, other.tools, other.product_id) == (fault.name, fault.tools, fault.product_id)

        self._set = [other for other in self._set if not same(other)] + [fault]

    def clear(self, names: Iterable[str]) -> None:
        gone = set(names)
        self._set = [fault for fault in self._set if fault.name not in gone]

    def listed(self) -> list[dict[str, object]]:
        return [fault.doc() for fault in self._set]

    def find(self, name: str, tool: str | None = None, products: Collection[str] = ()) -> Fault | None:
        for fault in self._set:
            if fault.name != name or (tool is not None and tool not in fault.tools):
                continue
            if fault.product_id is None or fault.product_id in products:
                return fault
        return None

    def on(self, name: str, tool: str | None = None) -> bool:
        return self.find(name, tool) is not None

    def take(self, name: str, tool: str, products: Collection[str] = ()) -> Fault | None:
        """The fault, if it strikes now: one of its times is used up."""
        fault = self.find(name, tool, products)
        if fault is not None and fault.times is not None:
            self._set.remove(fault)
            if fault.times > 1:
                self._set.append(replace(fault, times=fault.times - 1))
        return fault
