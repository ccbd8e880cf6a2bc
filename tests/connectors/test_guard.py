"""Which addresses are dialled, and that the one that was checked is the one that is dialled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpcore
import pytest

from buyside.connectors.http import AddressGuard, ForbiddenAddress, GuardedBackend, Resolver, open_client
from buyside.domain.answers import Outcome
from buyside.domain.errors import Unavailable
from tests.connectors.sellers import a_seller, a_write, sellers
from tests.connectors.servers import Request, mcp, serving, tool_result

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::c0a8:1"),
]
NEVER = [
    *("0.0.0.0", "169.254.169.254", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::1", "3fff::1"),
    *("::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "::127.0.0.1"),
    *("5f00::1", "nonsense", ""),
]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
def test_nothing_but_public_addresses_is_called(address: str) -> None:
    assert AddressGuard().refusal("seller.example", 443, address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert AddressGuard().refusal("seller.example", 443, address) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_the_setting_opens_private_ranges(address: str) -> None:
    assert AddressGuard(allow_private=True).refusal("seller.example", 443, address) is None


@pytest.mark.parametrize("address", NEVER)
def test_no_setting_opens_link_local_and_reserved_ranges(address: str) -> None:
    assert AddressGuard(allow_private=True).refusal("seller.example", 443, address)


def test_our_own_sandbox_is_let_through_on_its_exact_host_and_port_only() -> None:
    guard = AddressGuard(sandbox=("localhost", 9001))
    assert guard.refusal("localhost", 9001, "127.0.0.1") is None
    assert guard.refusal("LOCALHOST", 9001, "::1") is None
    assert guard.refusal("localhost", 9002, "127.0.0.1")
    assert guard.refusal("127.0.0.1", 9001, "127.0.0.1")
    assert guard.refusal("localhost", 9001, "10.0.0.1")


def test_a_name_with_public_and_private_addresses_is_called_at_the_public_ones() -> None:
    assert AddressGuard().permitted("seller.example", 443, ["10.0.0.1", "8.8.8.8", "::1"]) == ["8.8.8.8"]
    with pytest.raises(ForbiddenAddress, match=r"10\.0\.0\.1"):
        AddressGuard().permitted("seller.example", 443, ["10.0.0.1"])


def resolving(*answers: Sequence[str]) -> tuple[Resolver, list[str]]:
    """A name server that changes its mind: each look-up gets the next answer."""
    asked: list[str] = []
    left = list(answers)

    async def resolver(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return left.pop(0) if len(left) > 1 else left[0]

    return resolver, asked


class Dial(httpcore.AsyncMockBackend):
    """Records the addresses that are dialled, and reaches none of them."""

    def __init__(self) -> None:
        super().__init__([])
        self.dialled: list[str] = []

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        raise httpcore.ConnectError("not reached")


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """The look-up that is checked is the look-up that is dialled: there is no second one in between."""
    resolver, asked = resolving(["8.8.8.8"], ["127.0.0.1"])
    dial = Dial()
    backend = GuardedBackend(AddressGuard(), resolver, dial)
    with pytest.raises(httpcore.ConnectError, match="not reached"):
        await backend.connect_tcp("rebound.example", 443, 1.0)
    assert (asked, dial.dialled) == (["rebound.example"], ["8.8.8.8"])
    with pytest.raises(ForbiddenAddress):
        await backend.connect_tcp("rebound.example", 443, 1.0)
    assert dial.dialled == ["8.8.8.8"]


async def test_forbidden_addresses_among_allowed_ones_are_not_dialled() -> None:
    resolver, _ = resolving(["10.0.0.1", "8.8.8.8", "169.254.169.254", "8.8.4.4"])
    dial = Dial()
    with pytest.raises(httpcore.ConnectError, match="not reached"):
        await GuardedBackend(AddressGuard(), resolver, dial).connect_tcp("seller.example", 443, 1.0)
    assert dial.dialled == ["8.8.8.8", "8.8.4.4"]


async def test_the_name_stays_in_the_host_header() -> None:
    async def handle(request: Request) -> None:
        await request.json({"host": request.headers["host"]})

    async with serving(handle) as server:
        resolver, _ = resolving(["127.0.0.1"])
        async with open_client(AddressGuard(allow_private=True), resolver=resolver) as client:
            answer = await client.post(f"http://seller.example:{server.port}/x")
        assert answer.json() == {"host": f"seller.example:{server.port}"}


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def handle(request: Request) -> None:
        await request.json({})

    async with serving(handle) as server:
        resolver, _ = resolving(["127.0.0.2", "::1", "127.0.0.1"])
        async with open_client(AddressGuard(allow_private=True), resolver=resolver) as client:
            assert (await client.post(f"http://seller.example:{server.port}/x")).status_code == 200


@pytest.mark.parametrize(
    "spelling", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:7f00:1]"]
)
async def test_no_spelling_of_loopback_passes(spelling: str) -> None:
    async with sellers(allow_private=False) as platform:
        seller = a_seller(f"http://{spelling}:9/mcp")
        with pytest.raises(Unavailable):
            await platform.probe(seller)
        answer = await platform.call(seller, a_write(), timeout=5)
        assert (answer.outcome, answer.reached) == (Outcome.REJECTED, False)


async def test_a_forbidden_address_is_named_and_nothing_is_dialled() -> None:
    async def on_call(request: Request) -> None:
        await request.result(tool_result({}))

    async with serving(mcp(on_call)) as server, sellers(allow_private=False) as platform:
        answer = await platform.call(a_seller(server.url), a_write(), timeout=5)
        assert answer.error is not None
        assert answer.error.code == "FORBIDDEN_ADDRESS"
        assert "127.0.0.1" in answer.message
        assert server.connections == 0
        own = a_seller(server.url, own_sandbox=True)
        assert (await platform.call(own, a_write("get_products"), timeout=5)).outcome is Outcome.ACCEPTED


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def handle(request: Request) -> None:
        await request.json({"path": request.path})

    async with serving(handle) as server, open_client(AddressGuard(allow_private=True)) as client:
        assert (await client.post(server.url)).json() == {"path": "/mcp"}


async def test_a_local_socket_is_never_opened() -> None:
    with pytest.raises(httpcore.ConnectError, match="local sockets"):
        await GuardedBackend(AddressGuard()).connect_unix_socket("seller.sock")
