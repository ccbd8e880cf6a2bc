"""`buyside stop`: through the public API, from any machine that reaches the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from buyside.client import Client, Line, Preview, Stop

URL_VARIABLE, KEY_VARIABLE = "BUYSIDE_URL", "BUYSIDE_API_KEY"
"""Of whoever calls a server, not of the server itself: they are no settings."""
REFUSED = 3
"""The exit code when something may still spend, or should run again and does not."""

F = TypeVar("F", bound=Callable[..., Any])


def connected(command: F) -> F:
    """Where the server is and what opens it: every command that speaks to the API takes both alike."""
    for option in (
        click.option(
            "--api-key",
            envvar=KEY_VARIABLE,
            metavar="KEY",
            help="Better left to BUYSIDE_API_KEY: what is typed here stands in the list of processes.",
        ),
        click.option(
            "--url",
            envvar=URL_VARIABLE,
            default="http://127.0.0.1:8080",
            show_default=True,
            metavar="URL",
            help="The server; also BUYSIDE_URL.",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def client_of(url: str, api_key: str | None) -> Iterator[Client]:
    """Raises: click.ClickException with one line for whatever the server, or its absence, says."""
    from buyside.client import Client, ClientError, Refused

    if not api_key:
        raise click.UsageError("An API key is needed: put it into BUYSIDE_API_KEY (buyside keys create makes one).")
    try:
        with Client(url, api_key) as client:
            yield client
    except Refused as refused:
        where = f" ({refused.field})" if refused.field else ""
        raise click.ClickException(f"{refused.code}: {refused.message}{where}") from None
    except ClientError as error:
        raise click.ClickException(str(error)) from None


@click.group(name="stop", invoke_without_command=True)
@click.option("--advertiser", metavar="ID", help="Only this advertiser's media buys.")
@click.option("--storefront", type=click.IntRange(min=1), metavar="ID", help="Only the media buys at this seller.")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the decision log and in every refusal.")
@click.option("--preview", is_flag=True, help="Only show what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@connected
@click.pass_context
def command(
    ctx: click.Context,
    advertiser: str | None,
    storefront: int | None,
    reason: str | None,
    preview: bool,
    as_json: bool,
    url: str,
    api_key: str | None,
) -> None:
    """Pause everything that can spend, and let nothing begin until the stop is undone.

    Without --advertiser and --storefront the whole account is stopped. Exits 0 when nothing can spend any more, 3 when
    something refused or has not confirmed (the server goes on asking), 1 when the stop was not made, 2 when the command
    was not understood.

    \b
    Examples:
      export BUYSIDE_URL=https://buyside.example.com BUYSIDE_API_KEY=…
      buyside stop --reason "The client's site is down" --preview
      buyside stop --reason "The client's site is down"
      buyside stop --advertiser 12 --reason "Budget under review"
      buyside stop list
      buyside stop undo stop_4fKq81xYzA
    """
    if ctx.invoked_subcommand is not None:
        typed = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if typed:
            raise click.UsageError(f"Options go after {ctx.invoked_subcommand}.")
        return
    from buyside.client import stops

    if not (reason or "").strip():
        raise click.UsageError("Say why: --reason TEXT.")
    with client_of(url, api_key) as client:
        scope: dict[str, Any] = {"advertiser_id": advertiser, "storefront_id": storefront}
        if preview:
            _show_preview(stops.preview(client, str(reason), **scope), as_json, "pause")
        else:
            _show(stops.make(client, str(reason), **scope), as_json)


@command.command()
@click.argument("stop_id")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the decision log.")
@click.option("--preview", is_flag=True, help="Only show what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@connected
def undo(stop_id: str, reason: str | None, preview: bool, as_json: bool, url: str, api_key: str | None) -> None:
    """Let what only this stop paused spend again.

    What a person, a campaign or another stop keeps paused stays so, and is named. Exits 3 when a seller refused.
    """
    from buyside.client import stops

    with client_of(url, api_key) as client:
        if preview:
            _show_preview(stops.preview_undo(client, stop_id), as_json, "resume")
        else:
            _show(stops.undo(client, stop_id, reason), as_json)


@command.command()
@click.argument("stop_id")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@connected
def show(stop_id: str, as_json: bool, url: str, api_key: str | None) -> None:
    """Show a stop and how the media buys in its scope stand now. Exits 3 while something may still spend."""
    from buyside.client import stops

    with client_of(url, api_key) as client:
        _show(stops.get(client, stop_id), as_json)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@connected
def list_stops(as_json: bool, url: str, api_key: str | None) -> None:
    """List the newest stops, those that were undone too."""
    from buyside.client import stops

    with client_of(url, api_key) as client:
        found = stops.newest(client)
    if as_json:
        click.echo(json.dumps([each.document for each in found], ensure_ascii=False))
        return
    rows = [(s.stop_id, "stands" if s.standing else "undone", s.scope, s.created_at, s.reason) for s in found]
    click.echo(_table(("stop", "state", "scope", "made", "why"), rows) if rows else "There are no stops.")


def _show(stop: Stop, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(stop.document, ensure_ascii=False))
    else:
        state = "stands over" if stop.standing else "is undone for"
        click.echo(f"Stop {stop.stop_id} {state} {stop.scope}: {stop.reason}")
        if rows := list(_rows(stop)):
            click.echo("\n" + _table(("media buy", "state", "why"), rows))
        click.echo("\n" + _sum(stop))
    if stop.refused:
        raise SystemExit(REFUSED)


def _rows(stop: Stop) -> Iterator[tuple[str, ...]]:
    yield from ((each, "paused", "") for each in stop.paused)
    yield from ((each, "held", "It waits at its seller and will not begin.") for each in stop.held)
    yield from ((each, "resumed", "") for each in stop.resumed)
    yield from ((each.media_buy_id, "kept paused", each.message) for each in stop.kept)
    yield from _refused(stop.refused)


def _refused(lines: Sequence[Line]) -> Iterator[tuple[str, ...]]:
    yield from ((each.media_buy_id or "all", "REFUSED", each.message) for each in lines)


def _sum(stop: Stop) -> str:
    if stop.standing:
        counted = f"{len(stop.paused)} paused, {len(stop.held)} held, {len(stop.refused)} refused."
        return f"{counted} To end it: buyside stop undo {stop.stop_id}"
    return f"{len(stop.resumed)} resumed, {len(stop.kept)} kept paused, {len(stop.refused)} refused."


def _show_preview(found: Preview, as_json: bool, verb: str) -> None:
    if as_json:
        click.echo(json.dumps(found.document, ensure_ascii=False))
    else:
        rows = [(each.media_buy_id, verb, f"{each.tool} at {each.sales_agent_id}") for each in found.planned]
        rows += [(each, "mark", "Its seller is not called.") for each in found.held]
        table = [*rows, *_refused(found.refusals)]
        click.echo(_table(("media buy", "would", "how"), table) if table else "Nothing would change.")
        for warning in found.warnings:
            click.echo(warning)
        click.echo("Nothing was done.")
    if found.refusals:
        raise SystemExit(REFUSED)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head) - 1)]
    lines = [head, ["-" * width for width in (*widths, len(head[-1]))], *rows]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )
