"""How a command runs what it was asked for: to the end, or to one line that says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

T = TypeVar("T")


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Raises: click.ClickException with one line, for what can be wrong on purpose."""
    from buyside.bootstrap import CannotStart, plainly

    try:
        with plainly():
            return asyncio.run(work)
    except CannotStart as reason:
        raise click.ClickException(str(reason)) from None
