"""Pacing periods: windows of different intensity within a flight."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from buyside.schemas.wire import Amount, Day, Given, Maybe, Number, Ordinal, Request, Response

Weight = Annotated[Amount, Field(le=10), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 10})]
PacingMode = Literal["weight", "budget"]


class PacingPeriodInput(Request):
    """First and last day, in UTC. `weight` counts in mode weight, `budget` in mode budget; 0 skips the period."""

    label: Annotated[str, Field(min_length=1, max_length=100)]
    start: Day
    end: Day
    weight: Given[Weight] = None
    budget: Given[Amount] = None


class PacingPeriodsInput(Request):
    mode: PacingMode
    periods: Annotated[list[PacingPeriodInput], Field(min_length=1, max_length=52)]


class PacingPeriod(Response):
    """`budget` is what the period may spend, also where it was given as a weight."""

    label: str
    start: date
    end: date
    weight: Maybe[Number] = None
    budget: Number


class PacingPeriods(Response):
    mode: PacingMode
    periods: list[PacingPeriod]


class PackagePacingPeriod(Response):
    """Which of the pacing periods a package runs in, counted from 1."""

    index: Ordinal
    label: Maybe[str] = None
