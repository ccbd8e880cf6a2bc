"""Four ways to ask for part of a list (interchange.md 1.4), each understood under its synonyms."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Annotated, TypedDict

from fastapi import Depends, Query

from buyside.domain.errors import Invalid

DEEPEST = 10_000
"""Beyond it only a cursor leads (ruling 0.12)."""
LONGEST_CURSOR = 1024


class PageMeta(TypedDict):
    skip: int
    take: int
    total: int
    hasMore: bool


@dataclass(frozen=True)
class Slice:
    """`take` rows after the first `skip`; a cursor overrides `skip`."""

    take: int
    skip: int
    cursor: str | None = None

    def has_more(self, returned: int, total: int) -> bool:
        return self.skip + returned < total

    def next_offset(self, returned: int, total: int) -> int | None:
        return self.skip + returned if self.has_more(returned, total) else None

    def meta(self, returned: int, total: int, *, more: bool | None = None) -> PageMeta:
        """`more`: whether rows follow, where it is known: behind a cursor it cannot be reckoned."""
        follows = self.has_more(returned, total) if more is None else more
        return {"skip": self.skip, "take": self.take, "total": total, "hasMore": follows}


@dataclass(frozen=True)
class GroupSlice:
    """Part of the groups, and part of each group's products."""

    groups: int
    first_group: int
    products: int
    first_product: int


Pager = Callable[..., Awaitable[Slice]]
_Skip = Annotated[int | None, Query(ge=0, le=DEEPEST, description="Rows to pass over; 0 without it.")]
_HiddenSkip = Annotated[int | None, Query(ge=0, le=DEEPEST, include_in_schema=False)]
_Cursor = Annotated[str | None, Query(max_length=LONGEST_CURSOR, description="`nextCursor` of the page before.")]


def take_skip(default: int = 50, most: int = 250) -> Pager:
    """`take` and `skip`; `limit` and `offset` mean the same."""
    Rows = Annotated[int | None, Query(ge=1, le=most, description=f"Rows; {default} without it.")]  # noqa: N806
    HiddenRows = Annotated[int | None, Query(ge=1, le=most, include_in_schema=False)]  # noqa: N806

    async def read(
        take: Rows = None, skip: _Skip = None, limit: HiddenRows = None, offset: _HiddenSkip = None
    ) -> Slice:
        return Slice(_first(take, limit, default), _first(skip, offset, 0))

    return read


def limit_offset(default: int, most: int) -> Pager:
    """`limit` and `offset`; `take` and `skip` mean the same."""
    Rows = Annotated[int | None, Query(ge=1, le=most, description=f"Rows; {default} without it.")]  # noqa: N806
    HiddenRows = Annotated[int | None, Query(ge=1, le=most, include_in_schema=False)]  # noqa: N806

    async def read(
        limit: Rows = None, offset: _Skip = None, take: HiddenRows = None, skip: _HiddenSkip = None
    ) -> Slice:
        return Slice(_first(limit, take, default), _first(offset, skip, 0))

    return read


def with_cursor(default: int = 50, most: int = 250) -> Pager:
    """`take` and `skip`, or `take` and the `cursor` of the page before."""
    Rows = Annotated[int | None, Query(ge=1, le=most, description=f"Rows; {default} without it.")]  # noqa: N806
    HiddenRows = Annotated[int | None, Query(ge=1, le=most, include_in_schema=False)]  # noqa: N806

    async def read(
        take: Rows = None,
        skip: _Skip = None,
        limit: HiddenRows = None,
        offset: _HiddenSkip = None,
        cursor: _Cursor = None,
    ) -> Slice:
        return Slice(_first(take, limit, default), 0 if cursor else _first(skip, offset, 0), cursor or None)

    return read


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


async def groups(
    group_limit: Annotated[int, Query(alias="groupLimit", ge=1, le=10)] = 10,
    group_offset: Annotated[int, Query(alias="groupOffset", ge=0, le=DEEPEST)] = 0,
    products_per_group: Annotated[int, Query(alias="productsPerGroup", ge=1, le=15)] = 10,
    product_offset: Annotated[int, Query(alias="productOffset", ge=0, le=1000)] = 0,
) -> GroupSlice:
    return GroupSlice(group_limit, group_offset, products_per_group, product_offset)


TakeSkip = Annotated[Slice, Depends(take_skip())]
CursorPage = Annotated[Slice, Depends(with_cursor())]
AdvertiserPage = Annotated[Slice, Depends(limit_offset(100, 100))]
NotificationPage = Annotated[Slice, Depends(limit_offset(50, 100))]
StorefrontPage = Annotated[Slice, Depends(limit_offset(20, 100))]
Groups = Annotated[GroupSlice, Depends(groups)]


# ---- cursors: where a page ended, opaque to whoever carries it


def write_cursor(kind: str, key: Sequence[str | int]) -> str:
    """A cursor into one kind of list. `key`: the sort key of the last row shown."""
    text = json.dumps([kind, *key], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_check(text) + text).rstrip(b"=").decode()


def read_cursor(kind: str, cursor: str, shape: Sequence[type[str] | type[int]]) -> tuple[str | int, ...]:
    """The key that `write_cursor` was given.

    Raises: Invalid for anything that was not written for this kind of list.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, text = raw[:_CHECK], raw[_CHECK:]
        written, *key = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _bad_cursor() from None
    if check != _check(text) or written != kind or [type(part) for part in key] != list(shape):
        raise _bad_cursor()
    return tuple(key)


def write_moment(kind: str, at: datetime, last: str) -> str:
    """A cursor into a list that is sorted by time and id."""
    return write_cursor(kind, [at.astimezone(UTC).isoformat(), last])


def read_moment(kind: str, cursor: str | None) -> tuple[datetime, str] | None:
    """None without a cursor. Raises: Invalid."""
    if cursor is None:
        return None
    at, last = read_cursor(kind, cursor, [str, str])
    try:
        return datetime.fromisoformat(str(at)).astimezone(UTC), str(last)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


_CHECK = 6


def _check(text: bytes) -> bytes:
    # Guards against mistakes, not against malice: a forged cursor shows nothing beyond the caller's own rows.
    return blake2s(text, digest_size=_CHECK).digest()


def _bad_cursor() -> Invalid:
    return Invalid("This cursor does not belong to this list; begin again without it.", field="cursor")
