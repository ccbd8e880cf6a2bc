"""A real `buyside serve`, in a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.recording import Recording

IN_TIME = 60
BASE = "/api/v2/buyer"


@dataclass
class ServerProcess:
    url: str
    process: Process

    def kill(self) -> None:
        """As if the power had gone."""
        self.process.kill()

    async def ended(self) -> int:
        async with asyncio.timeout(IN_TIME):
            return await self.process.wait()

    def client(self, key: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(
            base_url=self.url + BASE,
            headers=headers,
            timeout=40,
            transport=Recording(httpx.AsyncHTTPTransport(trust_env=False, verify=False)),
        )


@contextlib.asynccontextmanager
async def a_server(settings: Mapping[str, str], log: Path, *options: str) -> AsyncIterator[ServerProcess]:
    """`settings`: BUYSIDE_ variables. What it logs goes to the end of `log`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BUYSIDE_")}
    with log.open("ab") as lines:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "buyside",
            "serve",
            "--port",
            "0",
            *options,
            env={**kept, **settings},
            stdout=PIPE,
            stderr=lines,
        )
        try:
            yield ServerProcess(await _address(process), process)
        finally:
            if process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(30):
                        await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _address(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(IN_TIME):
        while line := (await process.stdout.readline()).decode():
            if "listening on " in line:
                return line.split("listening on ")[1].strip()
    raise AssertionError("the server did not come up; its log says why")
