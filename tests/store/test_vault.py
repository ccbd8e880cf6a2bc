"""What must not be readable in the store is not, and the wrong key opens nothing."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.services import seal
from buyside.store.database import Database
from buyside.store.vault import Vault, WrongKey, key_file

SECRET = b"a secret for tests only"


@given(plain=st.binary(min_size=4, max_size=200))
def test_ciphertext_holds_no_plaintext_and_opens_to_it(plain: bytes) -> None:
    vault = Vault(SECRET)
    locked = vault.lock(plain, "seller auth")
    assert plain not in locked
    assert vault.lock(plain, "seller auth") != locked, "equal secrets do not look equal"
    assert Vault(SECRET).open(locked, "seller auth") == plain


def test_neither_another_key_nor_another_purpose_nor_a_changed_byte_opens_it() -> None:
    locked = Vault(SECRET).lock(b"token", "seller auth")
    with pytest.raises(WrongKey):
        Vault(b"another").open(locked, "seller auth")
    with pytest.raises(WrongKey):
        Vault(SECRET).open(locked, "operation")
    for index in range(len(locked)):
        tampered = locked[:index] + bytes([locked[index] ^ 1]) + locked[index + 1 :]
        with pytest.raises(WrongKey):
            Vault(SECRET).open(tampered, "seller auth")


def test_digests_and_fingerprints_depend_on_the_key_and_on_what_for() -> None:
    vault, other = Vault(SECRET), Vault(b"another")
    assert vault.digest("k") == Vault(SECRET).digest("k") != other.digest("k")
    assert vault.fingerprint("k") != other.fingerprint("k")
    assert not vault.digest("k").hex().startswith(vault.fingerprint("k"))
    assert "secret" not in repr(vault)


class TestKeyFile:
    def test_it_is_made_once_for_this_user_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "secret.key"
        assert key_file(path, make=False) is None
        made = key_file(path, make=True)
        assert made is not None
        assert len(made) >= 43
        assert key_file(path, make=True) == key_file(path, make=False) == made
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert os.listdir(path.parent) == ["secret.key"], "no draft is left"

    def test_two_who_make_it_at_once_end_up_with_one(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: key_file(tmp_path / "secret.key", make=True), range(8)))
        assert len(set(made)) == 1


class TestSeal:
    async def test_the_first_key_is_the_stores_and_no_other_opens_it(self, database: Database) -> None:
        assert not await seal.is_set(database)
        for _ in range(2):
            await seal.check(database, Vault(SECRET))
        assert await seal.is_set(database)
        with pytest.raises(WrongKey, match="BUYSIDE_SECRET_KEY"):
            await seal.check(database, Vault(b"another"))
        await seal.check(database, Vault(SECRET))
