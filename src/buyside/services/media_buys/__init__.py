"""Media buys: prepared in one transaction, placed outside any, settled in another; watched ever after."""

from buyside.services.media_buys.verbs import Changed, close, deliver, get, packages, pause, reactivate

__all__ = ["Changed", "close", "deliver", "get", "packages", "pause", "reactivate"]
