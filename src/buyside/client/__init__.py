"""A client of the public API. It knows the API's words and nothing else of this package."""

from buyside.client.calls import Client, ClientError, Refused, Unheard
from buyside.client.stops import Line, Listed, Planned, Preview, Stop

__all__ = ["Client", "ClientError", "Line", "Listed", "Planned", "Preview", "Refused", "Stop", "Unheard"]
