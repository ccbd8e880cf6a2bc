"""The real server as a process of its own: temporary store, free ports, none of the user's settings."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from demo.checks import Failed
from demo.screen import Screen

Stream = int | BinaryIO
_LISTENING = re.compile(r"listening on (http://\S+)")
_START_SECONDS = 60
_STOP_SECONDS = 15
_LOG_LINES = 25


@dataclass(frozen=True)
class Server:
    url: str
    api_key: str
    customer_id: int


def _environment(folder: Path) -> dict[str, str]:
    """The user's environment without a word about their own server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BUYSIDE_")}
    return {**kept, "BUYSIDE_DATA_DIR": str(folder / "data")}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "buyside", *arguments]


@contextlib.contextmanager
def serving(screen: Screen) -> Iterator[Server]:
    """Raises: Failed with the server's last log lines, also for what fails inside the block."""
    with tempfile.TemporaryDirectory(prefix="buyside-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        log = folder / "server.log"
        try:
            with _process(folder, log) as process:
                with screen.step("Start the server") as say:
                    url = _announced(process, folder / "stdout")
                    say(f"buyside serve --sandbox, at {url}")
                with screen.step("Make an API key") as say:
                    server = _with_key(folder, url)
                    say("buyside keys create --account Demo")
                yield server
        except Failed as failed:
            raise Failed(str(failed), failed.log or _tail(log)) from None
        except BrokenPipeError:
            raise
        except Exception as broken:
            raise Failed(f"The answer is not what was expected: {broken!r}", _tail(log)) from broken


@contextlib.contextmanager
def _process(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = _command("serve", "--sandbox", "--port", "0")
    with (
        log.open("wb") as stderr,
        (folder / "stdout").open("wb") as stdout,
        _running(command, folder, stdout, stderr) as process,
    ):
        yield process


@contextlib.contextmanager
def _running(command: list[str], folder: Path, stdout: Stream, stderr: Stream) -> Iterator[subprocess.Popen[bytes]]:
    """Ended at the latest with the block: whoever still ran would write into a folder that is being deleted."""
    with _signals_kept() as kept:
        # Ctrl-C in the middle of this would leave a process that nobody knows.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env=_environment(folder), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
    with process:
        try:
            if kept:
                raise KeyboardInterrupt
            yield process
        finally:
            _stop(process)


@contextlib.contextmanager
def _signals_kept() -> Iterator[list[int]]:
    """What asked this process to end meanwhile, for the caller to act upon."""
    kept: list[int] = []
    asking = [each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if callable(signal.getsignal(each))]
    before = {each: signal.signal(each, lambda number, _: kept.append(number)) for each in asking}
    try:
        yield kept
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    finally:
        # Also when a second Ctrl-C ends the wait. A process that is gone already is left alone.
        process.kill()
        process.wait()


def _announced(process: subprocess.Popen[bytes], stdout: Path) -> str:
    """The server's address, once it says that it can be spoken to. Raises: Failed."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if found := _LISTENING.search(stdout.read_text(encoding="utf-8")):
            return found[1]
        if process.poll() is not None:
            raise Failed(f"The server ended by itself, with exit code {process.returncode}.")
        time.sleep(0.05)
    raise Failed(f"The server did not say within {_START_SECONDS} s that it is listening.")


def _with_key(folder: Path, url: str) -> Server:
    command = _command("keys", "create", "--account", "Demo", "--json")
    with _running(command, folder, subprocess.PIPE, subprocess.PIPE) as process:
        said, complaint = process.communicate(timeout=_START_SECONDS)
    if process.returncode != 0:
        raise Failed(f"buyside keys create ended with exit code {process.returncode}.", complaint.decode().strip())
    key = json.loads(said)
    return Server(url, key["apiKey"], key["customerId"])


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-_LOG_LINES:])
