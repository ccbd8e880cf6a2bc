from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from buyside.bootstrap.serving import Listening


def _announce(listening: Listening) -> None:
    click.echo(f"buyside is listening on {listening.url}")
    for seller in listening.sandbox:
        click.echo(f"  sandbox seller {seller.name}: {seller.protocol.value} at {seller.endpoint}")


@click.command(name="serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option("--sandbox", is_flag=True, help="Also run two sandbox sellers, connected for every account.")
def command(host: str, port: int, sandbox: bool) -> None:
    """Run the server: REST, MCP and the addresses that sellers call back.

    An SQLite store is made and migrated when needed. On PostgreSQL run buyside migrate first; any number of servers
    and workers may share a store there. Stop with Ctrl-C or SIGTERM: requests under way are finished first.
    """
    from buyside.bootstrap import load_settings
    from buyside.bootstrap.serving import serve
    from buyside.cli.running import finish

    async def run() -> None:
        await serve(load_settings(), host, port, sandbox=sandbox, announce=_announce)

    finish(run())
