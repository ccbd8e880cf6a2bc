"""A sandbox seller: an AdCP sales agent of its own (MCP and A2A), with a simulated clock and fault switches.

It knows nothing of the buyer beside it: `create` in `app.py` makes it, `endpoints` says where it answers.
"""

from __future__ import annotations

from typing import Any


def endpoints(base_url: str) -> dict[str, str]:
    """Where a seller at `base_url` answers, by protocol name as a storefront source has it."""
    base = base_url.rstrip("/")
    return {"MCP": f"{base}/mcp", "A2A": f"{base}/a2a"}


Doc = dict[str, Any]
"""A JSON object as it stands on the wire: the seller reads and writes the protocol's own words."""
