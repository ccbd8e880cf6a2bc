"""From settings to a running system: the only place where the parts are put together."""

from buyside.bootstrap.composition import (
    CannotStart,
    described,
    load_settings,
    migrate_store,
    open_store,
    plainly,
    resting,
    working,
)

__all__ = [
    "CannotStart",
    "described",
    "load_settings",
    "migrate_store",
    "open_store",
    "plainly",
    "resting",
    "working",
]
