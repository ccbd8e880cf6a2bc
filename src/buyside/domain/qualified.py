"""Ids of products and proposals that say where they come from: `sf1:<storefront>:<agent and id, base64url>`.

They let a buyer name a product of many sellers in one word. Only this module makes and reads them.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from buyside.domain.ids import AgentId, StorefrontId

PRODUCT, PROPOSAL = "sf1", "sfp1"
_BETWEEN = "\n"
"""Stands in no agent id."""


@dataclass(frozen=True)
class Origin:
    """Whose a product or a proposal is, and what its seller calls it."""

    storefront_id: StorefrontId
    agent_id: AgentId
    id: str


def product_key(storefront_id: StorefrontId, agent_id: AgentId, product_id: str) -> str:
    return _key(PRODUCT, Origin(storefront_id, agent_id, product_id))


def proposal_key(storefront_id: StorefrontId, agent_id: AgentId, proposal_id: str) -> str:
    return _key(PROPOSAL, Origin(storefront_id, agent_id, proposal_id))


def _key(kind: str, origin: Origin) -> str:
    both = f"{origin.agent_id}{_BETWEEN}{origin.id}".encode()
    return f"{kind}:{origin.storefront_id}:{base64.urlsafe_b64encode(both).rstrip(b'=').decode()}"


def read(key: str, kind: str = PRODUCT) -> Origin | None:
    """None when it is no such key: then it may be a seller's own id."""
    prefix, _, rest = key.partition(":")
    number, _, encoded = rest.partition(":")
    if prefix != kind or not number.isascii() or not number.isdigit() or number.startswith("0") or len(number) > 15:
        return None
    try:
        padded = encoded.encode("ascii") + b"=" * (-len(encoded) % 4)
        both = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    agent, found, own = both.partition(_BETWEEN)
    origin = Origin(StorefrontId(int(number)), AgentId(agent), own)
    # One product has one key: what decodes but was not written by us (spare bits, say) is no key.
    return origin if found and agent and own and _key(kind, origin) == key else None
