from __future__ import annotations

import json

import click


@click.command(name="settings")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, variable by variable.")
def command(as_json: bool) -> None:
    """List every setting: its variable, value, default, unit and meaning. Secrets stand as dots."""
    from buyside.bootstrap import CannotStart, described, load_settings

    try:
        found = described(load_settings())
    except CannotStart as reason:
        raise click.ClickException(str(reason)) from None
    if as_json:
        shown = {
            s.variable: {"value": s.value, "default": s.default, "unit": s.unit, "meaning": s.meaning} for s in found
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    for setting in found:
        unit = f" {setting.unit}" if setting.unit and setting.value else ""
        click.echo(click.style(setting.variable, bold=True) + f"={setting.value}{unit}")
        standard = "" if setting.value == setting.default else f" Default: {setting.default or 'none'}."
        click.echo(click.wrap_text(setting.meaning + standard, 100, "    ", "    "))
