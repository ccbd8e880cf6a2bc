from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from buyside.domain.accounts import Account, Key
    from buyside.services.accounts import NewKey


@click.group(name="keys")
def command() -> None:
    """Make, list and revoke API keys, at this machine and without a key."""


async def _create(account: str, role: str, name: str | None) -> tuple[NewKey, bool]:
    """The key, and whether its account was made for it."""
    from buyside import bootstrap
    from buyside.domain.accounts import Role
    from buyside.services import accounts

    async with bootstrap.resting(bootstrap.load_settings()) as runtime:
        before = {each.id for each in await accounts.every(runtime)}
        owner = await accounts.ensure(runtime, account)
        work = accounts.operator(runtime, owner.id, "buyside keys create")
        made = await accounts.create_key(work, name or f"{role.lower()} key", Role(role))
        return made, owner.id not in before


@command.command()
@click.option("--account", required=True, metavar="NAME", help="Whose key it is; the account is made if there is none.")
@click.option(
    "--role",
    type=click.Choice(["ADMIN", "MEMBER"], case_sensitive=False),
    default="ADMIN",
    show_default=True,
    help="What it may do.",
)
@click.option("--name", help="How the key is called in lists and in the decision log.")
@click.option("--json", "as_json", is_flag=True, help='Print {"apiKey", "customerId"}.')
def create(account: str, role: str, name: str | None, as_json: bool) -> None:
    """Make a key and print it, once: only a keyed hash of it is kept."""
    from buyside.cli.running import finish

    made, is_new = finish(_create(account, role, name))
    if as_json:
        click.echo(json.dumps({"apiKey": made.text, "customerId": made.key.account}))
        return
    if is_new:
        click.echo(f"There was no account {account!r}: it has been made.", err=True)
    click.echo(made.text)
    click.echo(f"{role} key {made.key.id} of account {account!r}. It is shown only now: keep it safe.", err=True)


async def _list(account: str | None) -> list[tuple[Account, list[Key]]]:
    from buyside import bootstrap
    from buyside.services import accounts

    async with bootstrap.resting(bootstrap.load_settings()) as runtime:
        owners = [await accounts.named(runtime, account)] if account else await accounts.every(runtime)
        return [
            (owner, await accounts.list_keys(accounts.operator(runtime, owner.id, "buyside keys list")))
            for owner in owners
        ]


@command.command(name="list")
@click.option("--account", metavar="NAME", help="Only this account's.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_keys(account: str | None, as_json: bool) -> None:
    """List keys, without what opens."""
    from buyside.cli.running import finish

    rows = [_row(owner, key) for owner, keys in finish(_list(account)) for key in keys]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        state = f"revoked {row['revokedAt']}" if row["revokedAt"] else "in use"
        click.echo(
            f"{row['id']:>6}  {row['account']}  {row['role']:6}  {row['name']}  made {row['createdAt']}  {state}"
        )


def _row(owner: Account, key: Key) -> dict[str, str | int | None]:
    return {
        "id": key.id,
        "account": owner.name,
        "role": key.role.value,
        "name": key.name,
        "createdAt": key.created_at.isoformat(timespec="seconds"),
        "revokedAt": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
    }


async def _revoke(account: str, key_id: int) -> None:
    from buyside import bootstrap
    from buyside.domain.ids import KeyId
    from buyside.services import accounts

    async with bootstrap.resting(bootstrap.load_settings()) as runtime:
        owner = await accounts.named(runtime, account)
        await accounts.revoke_key(accounts.operator(runtime, owner.id, "buyside keys revoke"), KeyId(key_id))


@command.command()
@click.argument("key_id", type=click.IntRange(min=1))
@click.option("--account", required=True, metavar="NAME", help="Whose key it is.")
def revoke(key_id: int, account: str) -> None:
    """Revoke a key. A running server may believe it for some seconds more (BUYSIDE_KEY_CACHE_SECONDS)."""
    from buyside.cli.running import finish

    finish(_revoke(account, key_id))
    click.echo(f"Key {key_id} is revoked.")
