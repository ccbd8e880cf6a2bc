"""Whether the secret key is the one that this store was made with: asked once, before anything is served."""

from __future__ import annotations

from buyside.store.accounts import Registry
from buyside.store.database import Database
from buyside.store.vault import Vault

_PURPOSE, _PLAIN = "seal", b"buyside"


async def is_set(database: Database) -> bool:
    async with database.read.connect() as conn:
        return await Registry(conn).sealed() is not None


async def check(database: Database, vault: Vault) -> None:
    """Seal a store that is new; open the seal of one that is not.

    Raises: WrongKey.
    """
    async with database.read.connect() as conn:
        sealed = await Registry(conn).sealed()
    if sealed is None:
        async with database.write.begin() as conn:
            if await Registry(conn).set_seal(vault.lock(_PLAIN, _PURPOSE)):
                return
            sealed = await Registry(conn).sealed()
    assert sealed is not None
    vault.open(sealed, _PURPOSE)
