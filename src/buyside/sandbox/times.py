"""Instants as they travel: RFC 3339, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count, takewhile

from buyside.sandbox.refusals import Refusal


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read(text: str) -> datetime:
    """Back from what `written` wrote."""
    return datetime.fromisoformat(text)


def given(text: object, field: str) -> datetime:
    """An instant that a buyer sent. Raises: Refusal when it is none, or has no offset."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) and len(text) > len("2026-01-01") else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refusal("VALIDATION_ERROR", f"{field} is not a date and time with an offset.", field=field)
    return moment.astimezone(UTC)


def given_day(text: str, field: str) -> datetime:
    """The first instant of a day that a buyer named."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal("VALIDATION_ERROR", f"{field} is not a date (YYYY-MM-DD).", field=field) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The UTC days from start to end, the first and the last cut to size."""
    if end <= start:
        return []
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    openings = takewhile(lambda opens: opens < end, (midnight + timedelta(days=number) for number in count()))
    return [(max(opens, start), min(opens + timedelta(days=1), end)) for opens in openings]


def after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)
