"""Sellers that this project did not write: the examples of npm's @adcp/sdk, each before its mock ad server.

make test-interop installs them; here they are run, on free loopback ports, and ended with the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from buyside.domain.storefronts import Protocol

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".make" / "interop"
SDK = INSTALLED / "node_modules" / "@adcp" / "sdk"
TOKEN = "interop-tests-only"
START_SECONDS = 120
STOP_SECONDS = 5
_LISTENING = "listening on "


@dataclass(frozen=True)
class Example:
    script: str
    upstream: str | None
    """Which ad server it stands before."""
    product_id: str
    least: str
    """A budget that its minimum spend allows."""


NON_GUARANTEED = Example(
    "hello_seller_adapter_non_guaranteed.ts", "sales-non-guaranteed", "acme_dooh_remnant_q2", "1000 USD"
)
GUARANTEED = Example("hello_seller_adapter_guaranteed.ts", "sales-guaranteed", "acme_dooh_billboards_q2", "20000 USD")
BARE = Example("error-compliant-server.ts", None, "prod_display_300x250", "600 USD")
"""It sells, states its errors in full, and has nothing to read, change, or remember a buy with."""
BRAND, OPERATOR = "acmeoutdoor.example", "pinnacle-agency.example"
"""The account that those with an ad server know."""


@dataclass(frozen=True)
class Counterpart:
    example: Example
    url: str
    """Its MCP endpoint, or its A2A one."""
    upstream_url: str

    @property
    def protocol(self) -> Protocol:
        return Protocol.A2A if self.url.endswith("/a2a") else Protocol.MCP

    async def orders(self) -> list[dict[str, Any]]:
        """What its ad server holds for the account: the truth, whatever the seller says."""
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Network-Code": "net_acmeoutdoor"}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
            return list((await client.get(f"{self.upstream_url}/v1/orders")).raise_for_status().json()["orders"])


def path() -> str:
    """Where node is looked for: in the venv, which has it when the machine has none that is new enough."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def node() -> str:
    found = shutil.which("node", path=path())
    if found is None or not SDK.is_dir():
        raise AssertionError("The sellers are not installed: run them by make test-interop.")
    return found


def versions() -> tuple[str, str]:
    """Of the SDK and of node."""
    said = subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return str(json.loads((SDK / "package.json").read_text())["version"]), said


class Node:
    """One node process in a process group of its own, with its latest lines."""

    def __init__(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        kept = {k: v for k, v in os.environ.items() if k not in ("NODE_OPTIONS", "PORT")}
        self.lines: deque[str] = deque(maxlen=40)
        self._heard = threading.Event()
        self._url: str | None = None
        self._process = subprocess.Popen(
            [node(), "--require", str(HERE / "loopback.cjs"), *arguments],
            cwd=INSTALLED,
            env={**kept, "PATH": path(), "NODE_ENV": "development", **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith(_LISTENING) and self._url is None:
                self._url = line.removeprefix(_LISTENING).strip()
                self._heard.set()
        self._heard.set()

    def url(self) -> str:
        """Where it listens, once it does."""
        self._heard.wait(START_SECONDS)
        if self._url is None:
            raise AssertionError("It did not start:\n" + "\n".join(self.lines))
        return self._url

    def stop(self) -> None:
        process = self._process
        for end in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, end)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                break
        self._reader.join(STOP_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def running(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Node]:
    process = Node(*arguments, environment=environment)
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def counterpart(example: Example, *, a2a: bool = False) -> Iterator[Counterpart]:
    adapter = ["--require", str(HERE / "a2a.cjs")] if a2a else []
    script = ["--import", "tsx", str(SDK / "examples" / example.script)]
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(running(*_mock(example.upstream))).url() if example.upstream else ""
        settings = {
            "UPSTREAM_URL": upstream,
            "UPSTREAM_API_KEY": TOKEN,
            "ADCP_AUTH_TOKEN": TOKEN,
            "PUBLIC_AGENT_URL": "https://formats.example",
        }
        seller = stack.enter_context(running(*adapter, *script, environment=settings))
        yield Counterpart(example, seller.url() + ("/a2a" if a2a else "/mcp"), upstream)


def _mock(upstream: str) -> list[str]:
    return [str(SDK / "bin" / "adcp.js"), "mock-server", upstream, "--port", "1", "--api-key", TOKEN]
