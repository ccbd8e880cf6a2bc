"""Pages of a list: the cursor is the position, so that a page is stable while nothing is put before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from buyside.sandbox import Doc
from buyside.sandbox.refusals import Refusal

T = TypeVar("T")


def page(items: Sequence[T], arguments: Doc, default: int = 50) -> tuple[list[T], Doc]:
    """Raises: Refusal for a cursor that was never given out."""
    wanted = arguments.get("pagination") or {}
    size = int(wanted.get("max_results") or default)
    cursor = str(wanted.get("cursor") or "c0")
    if not cursor.startswith("c") or not cursor[1:].isdigit():
        raise Refusal("INVALID_REQUEST", "The cursor is not one of ours.", field="pagination.cursor")
    start = int(cursor[1:])
    end = start + size
    more: Doc = {"has_more": end < len(items), "total_count": len(items)}
    return list(items[start:end]), {**more, "cursor": f"c{end}"} if more["has_more"] else more
