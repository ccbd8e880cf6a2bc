"""`buyside sandbox`: a seller to practise on, in a process of its own."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click


def _real_now() -> datetime:
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)


def _ended(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


@click.command(name="sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--name", default="Sandbox Seller", show_default=True, help="What it sells follows from its name.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE][@TOOL][*TIMES]",
    help="A way to misbehave; repeatable. Without *TIMES each time.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Remember everything in this file. Default: nothing.",
)
@click.option("--faults", "list_faults", is_flag=True, help="List the faults there are, and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print the endpoints as one line of JSON.")
def command(
    host: str, port: int, name: str, faults: tuple[str, ...], state: Path | None, list_faults: bool, as_json: bool
) -> None:
    """Run a sandbox seller: a real AdCP agent over MCP and A2A that sells nothing.

    Steer it at /_sandbox: POST faults, clock, decide, hold, release, reset; GET state, log, wait.
    """
    import signal
    import socket
    import sqlite3

    import uvicorn

    from buyside.sandbox import endpoints
    from buyside.sandbox.app import create
    from buyside.sandbox.faults import KINDS

    if list_faults:
        for fault, kind in sorted(KINDS.items()):
            click.echo(f"{fault:28}{kind.summary}")
        return
    try:
        app = create(name, state=state, faults=faults, clock=_real_now)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from None
    except sqlite3.Error as error:
        raise click.ClickException(f"cannot keep its memory in {state}: {error}") from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only on sockets that say TCP: without, each answer waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from None
    listening.listen(128)
    shown = f"[{host}]" if ":" in host else host
    base_url = f"http://{shown}:{listening.getsockname()[1]}"
    where = endpoints(base_url)
    if as_json:
        click.echo(json.dumps({"name": name, "baseUrl": base_url, "mcpUrl": where["MCP"], "a2aUrl": where["A2A"]}))
    else:
        click.echo(f"{name}, a sandbox seller\n  MCP  {where['MCP']}\n  A2A  {where['A2A']}\n  stop with Ctrl-C")
    # A call that a fault keeps open must not keep the process from ending.
    config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    # After its orderly end uvicorn raises the signal again: that it was stopped is no failure.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _ended)
    uvicorn.Server(config).run([listening])
