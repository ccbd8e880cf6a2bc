"""Asking again, more exactly: which seller hears which wish, and what they all said to each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from buyside.domain import qualified
from buyside.domain.discovery import AgentResult, AgentState, Discovery
from buyside.domain.errors import Invalid, Issue
from buyside.domain.ids import AgentId
from buyside.domain.products import Product

OMIT = "omit"


class Scope(StrEnum):
    REQUEST = "request"
    PRODUCT = "product"
    PROPOSAL = "proposal"


@dataclass(frozen=True)
class Refinement:
    """One wish, as the caller said it. `id` is a seller's own, or a qualified one."""

    scope: Scope
    ask: str | None = None
    id: str | None = None
    action: str | None = None
    """AdCP: include, omit, more_like_this, finalize."""


@dataclass(frozen=True)
class Part:
    """A wish as one seller hears it. `index` is its place among the caller's wishes."""

    index: int
    wish: Refinement
    own_id: str | None = None

    def entry(self) -> dict[str, Any]:
        """Source: AdCP 3.1 get-products-request, `refine`."""
        made: dict[str, Any] = {"scope": self.wish.scope.value}
        if self.own_id is not None:
            made |= {f"{self.wish.scope.value}_id": self.own_id, "action": self.wish.action or "include"}
        return {**made, "ask": self.wish.ask} if self.wish.ask else made


Plan = Mapping[AgentId, tuple[Part, ...]]


def plan(wishes: Sequence[Refinement], session: Discovery, *, id_field: str = "id") -> Plan:
    """The wishes by seller: those about the request as a whole go to each, the others to whose product it is.

    Raises: Invalid naming each id that the session does not know.
    """
    parts: dict[AgentId, list[Part]] = {}
    issues: list[Issue] = []
    for index, wish in enumerate(wishes):
        heard = list(_hearers(wish, session))
        for result, own_id in heard:
            parts.setdefault(result.agent_id, []).append(Part(index, wish, own_id))
        if not heard and wish.scope is not Scope.REQUEST:
            key = id_field if id_field == "id" else f"{wish.scope.value}_id"
            what = f"{wish.scope.value.capitalize()} {wish.id} is not in discovery session {session.id}."
            issues.append(Issue(("refine", index, key), what))
    if issues:
        raise Invalid.of(issues)
    return {agent: tuple(each) for agent, each in parts.items()}


def _hearers(wish: Refinement, session: Discovery) -> Iterable[tuple[AgentResult, str | None]]:
    asked = [each for each in session.agents if each.state is not AgentState.RETIRED]
    if wish.scope is Scope.REQUEST or wish.id is None:
        return [(each, None) for each in asked]
    kind = qualified.PRODUCT if wish.scope is Scope.PRODUCT else qualified.PROPOSAL
    origin = qualified.read(wish.id, kind)
    own = origin.id if origin else wish.id
    if origin is not None:
        asked = [e for e in asked if (e.agent_id, e.storefront_id) == (origin.agent_id, origin.storefront_id)]
    return [(each, own) for each in asked if _has(each, wish.scope, own)]


def _has(result: AgentResult, scope: Scope, own_id: str) -> bool:
    if scope is Scope.PRODUCT:
        return result.shelf.find(own_id) is not None
    return any(each.proposal_id == own_id for each in result.proposals)


def omitted(parts: Sequence[Part], scope: Scope) -> frozenset[str]:
    """What the buyer does not want to see again, whether or not the seller heeds it."""
    return frozenset(p.own_id for p in parts if p.own_id and p.wish.scope is scope and p.wish.action == OMIT)


def left(products: Iterable[Product], parts: Sequence[Part]) -> list[Product]:
    gone = omitted(parts, Scope.PRODUCT)
    return [each for each in products if each.product_id not in gone]


class Verdict(StrEnum):
    """Source: AdCP 3.1 get-products-response, `refinement_applied[].status`."""

    APPLIED = "applied"
    PARTIAL = "partial"
    UNABLE = "unable"


@dataclass(frozen=True)
class Applied:
    """What became of one wish, over all the sellers that heard it."""

    wish: Refinement
    verdict: Verdict
    notes: str | None = None


@dataclass(frozen=True)
class Heard:
    """One seller's answer to its parts. `said`: AdCP refinement_applied, by position; None: no answer came."""

    agent_name: str
    parts: tuple[Part, ...]
    said: Sequence[Mapping[str, Any]] | None
    excuse: str = "did not answer in time"


def applied(wishes: Sequence[Refinement], heard: Sequence[Heard]) -> list[Applied]:
    """One entry a wish, in the caller's order."""
    verdicts: list[list[tuple[str, Verdict, str | None]]] = [[] for _ in wishes]
    for each in heard:
        for position, part in enumerate(each.parts):
            verdicts[part.index].append((each.agent_name, *_verdict(each, part, position)))
    return [_together(wish, said) for wish, said in zip(wishes, verdicts, strict=True)]


def _verdict(heard: Heard, part: Part, position: int) -> tuple[Verdict, str | None]:
    if heard.said is None:
        return Verdict.UNABLE, heard.excuse
    stated = heard.said[position] if position < len(heard.said) else {}
    status, notes = stated.get("status"), stated.get("notes")
    if part.wish.action == OMIT and part.wish.scope is not Scope.REQUEST:
        # It is left out of the results here, whatever the seller made of it.
        return Verdict.APPLIED, notes if isinstance(notes, str) else None
    if status not in {each.value for each in Verdict}:
        return Verdict.PARTIAL, "answered without saying what it made of this"
    return Verdict(status), notes if isinstance(notes, str) else None


def _together(wish: Refinement, said: Sequence[tuple[str, Verdict, str | None]]) -> Applied:
    kinds = {verdict for _, verdict, _ in said}
    verdict = kinds.pop() if len(kinds) == 1 else Verdict.PARTIAL if kinds else Verdict.UNABLE
    notes = "; ".join(f"{name}: {note}" for name, _, note in said if note) if said else "No seller could be asked."
    return Applied(wish, verdict, notes[:2000] or None)
