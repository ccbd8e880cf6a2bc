"""Server-sent events, as far as MCP needs them: the data of each event. Source: WHATWG HTML, section 9.2."""

from __future__ import annotations


class EventReader:
    """Fed bytes as they come, gives the data of each event that is complete. Comments and other fields are dropped."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[bytes]:
        if b"\n" not in part:
            self._pending.append(part)
            return []
        lines = b"".join((*self._pending, part)).split(b"\n")
        self._pending = [lines.pop()]
        events: list[bytes] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), events)
        return events

    def rest(self) -> list[bytes]:
        """At the end of the stream: an event that lacks its blank line, which careless servers leave out."""
        events: list[bytes] = []
        for line in (*b"".join(self._pending).split(b"\n"), b""):
            self._take(line.removesuffix(b"\r"), events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            events.append(b"\n".join(self._data))
            self._data = []
