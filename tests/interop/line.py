"""A line to a seller that can be cut: the request arrives, its answer does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit


class Line:
    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._awaited: bytes | None = None
        self.url = ""
        self.cut = 0
        self._sent = bytearray()

    def cut_answer_to(self, tool: str) -> None:
        """The next call of the tool is carried out, and nobody hears of it."""
        self._awaited = tool.encode()

    def times(self, tool: str) -> int:
        """How often the tool's name went over the line."""
        return self._sent.count(tool.encode())

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        doomed = asyncio.Event()

        async def there() -> None:
            while data := await reader.read(1 << 16):
                if self._awaited is not None and self._awaited in data:
                    self._awaited = None
                    doomed.set()
                self._sent += data
                far_writer.write(data)

        async def back() -> None:
            while data := await far_reader.read(1 << 16):
                if doomed.is_set():
                    self.cut += 1
                    writer.transport.abort()
                    return
                writer.write(data)

        sides = [asyncio.create_task(there()), asyncio.create_task(back())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
            for end in (writer, far_writer):
                end.transport.abort()


@contextlib.asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    carried: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(line.carry(reader, writer))
        carried.add(task)
        task.add_done_callback(carried.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    line.url = urlunsplit(line._parts._replace(netloc=f"{host}:{port}"))
    try:
        yield line
    finally:
        server.close()
        for task in list(carried):
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
