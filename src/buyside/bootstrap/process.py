"""What a process needs of its machine: a socket, a signal to stop, a lock, a log. Nothing here knows the business."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from buyside.bootstrap.composition import CannotStart

log = logging.getLogger(__name__)

_SECRETS = re.compile(r"(?i)(buyside_[0-9]+_|bearer\s+|basic\s+)[0-9a-z+/=._~-]{8,}")


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Redacting(logging.Formatter):
    """A last net: whatever is logged, by a library too, no key stands in it."""

    def format(self, record: logging.LogRecord) -> str:
        text = _SECRETS.sub(r"\1••••••", super().format(record))
        # A seller's words may be logged: no control character of theirs makes a line, or a colour, of its own.
        return "\n    ".join(_CONTROL.sub("·", line) for line in text.splitlines())


def log_to_stderr(level: str) -> None:
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Redacting("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[lines], force=True)
    # They write a line per request, statement or migration; theirs to say is what goes wrong.
    for name in ("uvicorn", "alembic", "procrastinate", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def settle_memory() -> None:
    """Tell the garbage collector that what start-up made stays.

    Without, it looks through all of it again each time that a large reply is read: some 100 ms in which nobody is
    served, and half of the time that reading takes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@contextlib.contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """Set by SIGTERM or SIGINT; a second one ends the process at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            os._exit(130)
        log.info("stopping: what is under way is finished first; Ctrl-C or SIGTERM once more ends it at once")
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, asked)
    try:
        yield stop
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket; port 0 takes a free one. Raises: CannotStart when the address cannot be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as unknown:
        raise CannotStart(f"{host} is not an address of this machine: {unknown.strerror}.") from None
    # asyncio turns Nagle's algorithm off only on sockets that say TCP: without, answers wait 40 ms for an ACK.
    with socket.socket(family, kind, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1024)
        except OSError as refused:
            taken = f"Port {port} on {host} is in use: stop what listens there, or choose another with --port."
            taken += " With make: make serve PORT=8081."
            other = f"This machine does not let us listen on {host}:{port}: {refused.strerror}."
            raise CannotStart(taken if refused.errno == errno.EADDRINUSE else other) from None
        yield listener


class _Server(uvicorn.Server):
    """Leaves the signals to us, and says when it can be spoken to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.asynccontextmanager
async def listening(app: Any, listener: socket.socket, *, grace: float) -> AsyncIterator[str]:
    """The app at the socket, and its URL. At the end requests under way get `grace` seconds to finish."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=round(grace)
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.wait({serving, ready := asyncio.create_task(server.ready.wait())}, return_when="FIRST_COMPLETED")
        ready.cancel()
        if not server.started:
            raise CannotStart("The server did not come up; the log says why.")
        yield _url(listener)
    finally:
        server.should_exit = True
        await serving


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process is the only one that holds the lock; it is let go of at the end, or at our death."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
