"""UTM parameters: what a landing page's address tells its owner about the click (interchange.md 2.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buyside.domain.errors import Invalid, Issue, Path

MOST = 20


@dataclass(frozen=True)
class Param:
    """`value` is a macro, such as {CAMPAIGN_ID}, or a word."""

    key: str
    value: str


def merged(now: Sequence[Param], given: Sequence[Param], *, replacing: bool, at: Path) -> tuple[Param, ...]:
    """What stands after a request: its parameters over those that are there, or in their place.

    Raises: Invalid, below `at`, for a key that is given twice or one too many.
    """
    check(given, at)
    kept = {} if replacing else {each.key: each for each in now}
    made = tuple({**kept, **{each.key: each for each in given}}.values())
    if len(made) > MOST:
        raise Invalid.of([Issue(at, f"There are at most {MOST} parameters, {len(now)} of them are set already.")])
    return made


def check(given: Sequence[Param], at: Path) -> None:
    """Raises: Invalid for a key that is given twice."""
    keys = [each.key for each in given]
    if issues := [
        Issue((*at, index, "paramKey"), f"{key} is given twice.")
        for index, key in enumerate(keys)
        if key in keys[:index]
    ]:
        raise Invalid.of(issues)


def defaults(source: str) -> tuple[Param, ...]:
    """What holds for an advertiser that set none. `source`: the operator's name for itself."""
    return (
        Param("utm_source", source),
        Param("utm_medium", "agentic"),
        Param("utm_campaign", "{CAMPAIGN_ID}"),
        Param("utm_content", "{CREATIVE_ID}"),
        Param("utm_media_buy", "{MEDIA_BUY_ID}"),
        Param("utm_package", "{PACKAGE_ID}"),
    )


def facts(params: Sequence[Param]) -> list[dict[str, str]]:
    return [{"paramKey": each.key, "paramValue": each.value} for each in params]


def of_facts(written: Sequence[Mapping[str, Any]]) -> tuple[Param, ...]:
    return tuple(Param(each["paramKey"], each["paramValue"]) for each in written)
