from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from buyside.bootstrap.doctor import Finding

MARKS = {"ok": click.style("ok     ", fg="green"), "note": "note   ", "problem": click.style("problem", fg="red")}


@click.command(name="doctor")
def command() -> None:
    """Look for what would keep this installation from working. Changes nothing; exits 1 when there is a problem."""
    from buyside.bootstrap.doctor import examine
    from buyside.cli.running import finish

    async def run() -> list[Finding]:
        found = []
        async for finding in examine():
            found.append(finding)
            click.echo(f"{MARKS[finding.state]}  {finding.about}: {finding.text}")
        return found

    if any(finding.state == "problem" for finding in finish(run())):
        raise SystemExit(1)
