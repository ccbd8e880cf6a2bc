"""Redirects, sizes, encodings, and what is known to have left."""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from buyside.connectors.adcp.calling import retry_after
from buyside.connectors.http import AddressGuard, Departure, Garbled, Oversized, open_client, read, sending
from buyside.domain.answers import Outcome
from tests.connectors.sellers import a_seller, a_write, sellers
from tests.connectors.servers import Request, mcp, serving, tool_result

BOOKED = tool_result({"media_buy_id": "mb_1", "packages": []})


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_to_the_same_origin_is_followed_with_the_same_bytes(status: int) -> None:
    async def book(request: Request) -> None:
        await request.result(BOOKED)

    async def handle(request: Request) -> None:
        if request.path == "/mcp":
            await request.answer(status, location="/mcp/")
        else:
            await mcp(book)(request)

    async with serving(handle) as server, sellers() as platform:
        answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert answer.outcome is Outcome.ACCEPTED
        first, second = server.asked("tools/call")
        assert (first.path, second.path, first.body) == ("/mcp", "/mcp/", second.body)


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:1/mcp", "https://127.0.0.1:{port}/mcp", "http://localhost:{port}/mcp", "//evil.example/", ""],
)
async def test_no_other_redirect_is_followed(location: str) -> None:
    async def handle(request: Request) -> None:
        await request.answer(307, location=location.format(port=server.port))

    async with serving(handle) as server, sellers() as platform:
        answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
        assert len(server.requests) <= 4


@pytest.mark.parametrize(
    ("status", "outcome"), [(301, Outcome.REJECTED), (302, Outcome.UNKNOWN), (303, Outcome.UNKNOWN)]
)
async def test_a_redirect_that_may_follow_a_booking_proves_nothing(status: int, outcome: Outcome) -> None:
    async def elsewhere(request: Request) -> None:
        await request.answer(status, location="/done")

    async with serving(mcp(elsewhere)) as server, sellers() as platform:
        answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert answer.outcome is outcome
        assert all(each.path == "/mcp" for each in server.requests)


async def test_redirects_in_a_circle_end() -> None:
    async def handle(request: Request) -> None:
        await request.answer(308, location="/mcp")

    async with serving(handle) as server, sellers() as platform:
        answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)
        assert len(server.requests) == 4


async def fetch(body: bytes, cap: int, **headers: str) -> bytes:
    async def handle(request: Request) -> None:
        await request.answer(200, body, **headers)

    async with (
        serving(handle) as server,
        open_client(AddressGuard(allow_private=True)) as client,
        sending(client, "POST", server.url, headers={}) as response,
    ):
        return await read(response, cap)


async def test_a_compressed_reply_is_read() -> None:
    assert await fetch(gzip.compress(b"hello" * 100), 1000, content_encoding="gzip") == b"hello" * 100


async def test_a_small_reply_that_unpacks_to_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    assert len(bomb) < 50_000
    with pytest.raises(Oversized):
        await fetch(bomb, 1_000_000, content_encoding="gzip")


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"plain", "gzip"), (zlib.compress(b"x"), "gzip"), (b"x", "br"), (b"x", "gzip, gzip")]
)
async def test_an_encoding_that_is_broken_or_was_not_asked_for_is_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(Garbled):
        await fetch(body, 1000, content_encoding=encoding)


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
async def test_the_cap_is_exact(size: int, fits: bool) -> None:
    if fits:
        assert len(await fetch(b"x" * size, 1000)) == size
    else:
        with pytest.raises(Oversized):
            await fetch(b"x" * size, 1000)


async def test_departure_tells_whether_anything_left() -> None:
    async def handle(request: Request) -> None:
        request.cut()

    async with serving(handle) as server, open_client(AddressGuard(allow_private=True)) as client:
        departure = Departure()
        with pytest.raises(httpx.TransportError):
            async with sending(client, "POST", server.url, headers={}, departure=departure):
                pass
        assert departure.left
    async with open_client(AddressGuard(allow_private=True)) as client:
        departure = Departure()
        with pytest.raises(httpx.ConnectError):
            async with sending(client, "POST", server.url, headers={}, departure=departure):
                pass
        assert not departure.left


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 40}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
