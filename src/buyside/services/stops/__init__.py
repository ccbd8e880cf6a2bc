"""Stops: everything in a scope kept from spending until the stop is undone (ADR 0013). The verbs are gathered here."""

from buyside.services.stops.making import carry_on, make, undo
from buyside.services.stops.previewing import preview_make, preview_undo
from buyside.services.stops.reading import Page, Standing, get, page

__all__ = ["Page", "Standing", "carry_on", "get", "make", "page", "preview_make", "preview_undo", "undo"]
