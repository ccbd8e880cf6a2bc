"""What is said of a seller that cannot be spoken to: our words, and nothing of what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from buyside.connectors.adcp.calling import FAILURES, failed
from buyside.connectors.adcp.outcome import NoAnswer, NotSent
from buyside.connectors.http import AddressGuard, Departure, open_client, read, sending

SECRET = "Bearer abcdefgh"


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "left", "words"),
    [
        (httpx.RemoteProtocolError(SECRET), True, "failed before it had answered: it closed the connection."),
        (httpx.ReadError(SECRET), True, "the connection was cut."),
        (httpx.ReadTimeout(SECRET), True, "it fell silent."),
        (OSError(104, SECRET), True, "the connection was cut."),
        (httpx.ConnectError(SECRET), False, "could not be reached: it does not take the connection."),
        (httpx.ConnectTimeout(SECRET), False, "it did not take the connection in time."),
        (caused(httpx.ConnectError(SECRET), socket.gaierror(-2, SECRET)), False, "its name does not resolve."),
        (caused(httpx.ConnectError(SECRET), ssl.SSLError(1, SECRET)), False, "its certificate is not trusted"),
        (httpx.LocalProtocolError(SECRET), True, "the request is not one that HTTP allows."),
        (UnicodeError(SECRET), True, "the connection failed."),
    ],
)
def test_a_failure_is_told_in_our_words(error: Exception, left: bool, words: str) -> None:
    departure = Departure()
    departure.left = left
    reply = failed(error, departure)
    assert isinstance(reply, (NoAnswer, NotSent))
    assert words in reply.reason
    assert SECRET not in reply.reason


@contextlib.asynccontextmanager
async def hanging_up(said: bytes) -> AsyncIterator[int]:
    """A server that reads something, says so much and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"nonsense\r\n\r\n"])
async def test_a_connection_that_is_cut_is_said_to_be(said: bytes) -> None:
    departure = Departure()
    async with hanging_up(said) as port, open_client(AddressGuard(allow_private=True)) as client:
        with pytest.raises(FAILURES) as error:
            async with sending(client, "GET", f"http://127.0.0.1:{port}/", headers={}, departure=departure) as reply:
                await read(reply)
    told = failed(error.value, departure)
    assert isinstance(told, NoAnswer)
    assert told.reason in {
        f"The connection to the seller failed before it had answered: {words}."
        for words in ("it closed the connection", "the connection was cut")
    }
