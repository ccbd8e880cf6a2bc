"""The long-running processes: the server, its sandbox sellers, and the worker."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from buyside.bootstrap.composition import unknown_variables, working
from buyside.bootstrap.process import alone, bound, listening, log_to_stderr, settle_memory, stop_signal
from buyside.domain.storefronts import Protocol
from buyside.services import storefronts
from buyside.services.storefronts import SandboxSeller
from buyside.services.work import Runtime
from buyside.settings import Settings

log = logging.getLogger(__name__)

SANDBOX_SELLERS = (("Sandbox News", Protocol.MCP), ("Sandbox Streams", Protocol.A2A))


@dataclass(frozen=True)
class Listening:
    """What a server says of itself once it can be spoken to."""

    url: str
    sandbox: tuple[SandboxSeller, ...] = ()


async def serve(
    settings: Settings, host: str, port: int, *, sandbox: bool, announce: Callable[[Listening], None]
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    Raises: CannotStart, a port in use included.
    """
    from buyside.bootstrap.surface import about, app_of

    log_to_stderr(settings.log_level)
    for sentence in unknown_variables():
        log.warning("%s (buyside settings lists them)", sentence)
    with stop_signal() as stop, bound(host, port) as listener:
        async with working(settings) as runtime, _sandbox(settings, runtime, wanted=sandbox) as sellers:
            app = app_of(about(settings), runtime)
            settle_memory()
            async with listening(app, listener, grace=settings.execute_deadline + 5) as url:
                announce(Listening(url, sellers))
                await stop.wait()


async def work_until_stopped(settings: Settings, announce: Callable[[str], None]) -> None:
    log_to_stderr(settings.log_level)
    with stop_signal() as stop:
        async with working(settings) as runtime:
            settle_memory()
            # On SQLite one process runs them, which may be a server: then this one waits, and the log says so.
            what = "running jobs as soon as no other process does" if runtime.database.is_sqlite else "running jobs"
            announce(f"buyside worker: {what}. Stop with Ctrl-C or SIGTERM.")
            await stop.wait()


@asynccontextmanager
async def _sandbox(settings: Settings, runtime: Runtime, *, wanted: bool) -> AsyncIterator[tuple[SandboxSeller, ...]]:
    """The sandbox sellers of this installation, known to every account; run here unless another process does so."""
    folder = settings.data_dir / "sandbox"
    if not wanted and not folder.exists():
        yield ()
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        if not stack.enter_context(alone(folder / "lock")):
            yield await storefronts.sandbox_sellers(runtime)
            return
        if not wanted:
            await storefronts.retire_sandbox(runtime)
            yield ()
            return
        sellers = [await stack.enter_async_context(_sandbox_seller(folder, runtime, *each)) for each in SANDBOX_SELLERS]
        yield await storefronts.ensure_sandbox(runtime, sellers)


@asynccontextmanager
async def _sandbox_seller(
    folder: Path, runtime: Runtime, name: str, protocol: Protocol
) -> AsyncIterator[SandboxSeller]:
    from buyside.sandbox import endpoints
    from buyside.sandbox.app import create

    state = folder / f"{name.lower().replace(' ', '-')}.sqlite3"
    with bound("127.0.0.1", 0) as listener:
        async with listening(create(name, state=state, clock=runtime.clock), listener, grace=1) as url:
            yield SandboxSeller(name, protocol, endpoints(url)[protocol.value])
