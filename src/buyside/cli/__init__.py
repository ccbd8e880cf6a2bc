"""What a user types. Commands are imported when they are used: --help of the group stays quick."""

from __future__ import annotations

import importlib
import importlib.metadata

import click

# Command → its one-line help. Its module in this package is named alike and holds `command`.
COMMANDS = {
    "serve": "Run the server: REST, MCP and the addresses that sellers call back.",
    "worker": "Run jobs only: recovery, watching, what was left for later (PostgreSQL).",
    "migrate": "Bring the store's schema up to date.",
    "stop": "Pause everything that can spend, or undo such a stop, through the API.",
    "keys": "Make, list and revoke API keys.",
    "sandbox": "Run a sandbox seller in a process of its own.",
    "settings": "List every setting with its value.",
    "doctor": "Look for what would keep this installation from working.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"buyside {importlib.metadata.version('buyside')}")
        ctx.exit()


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, no_args_is_help=True
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def group() -> None:
    """An open, self-hosted buy-side campaign server.

    Everything that can be set is an environment variable: buyside settings lists them.
    """
