"""Media buys: prepared in one transaction, placed outside any, settled in another; watched ever after."""

from buyside.services.media_buys.delivering import close, deliver, packages
from buyside.services.media_buys.verbs import Changed, get, pause, reactivate

__all__ = ["Changed", "close", "deliver", "get", "packages", "pause", "reactivate"]
