"""What would keep this installation from working, looked for without changing anything."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, make_url

from buyside.bootstrap.composition import KEY_FILE, CannotStart, load_settings, open_store, plainly, unknown_variables
from buyside.services import seal
from buyside.settings import Settings
from buyside.store.database import Database
from buyside.store.migrate import pending
from buyside.store.vault import Vault, key_file

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    about: str
    state: State
    text: str


NO_KEY = Finding("secret key", "problem", "BUYSIDE_SECRET_KEY has to be set when the store is PostgreSQL")
STORE_FILE = "buyside.sqlite3"


async def examine() -> AsyncIterator[Finding]:
    yield Finding("Python", "ok", ".".join(map(str, sys.version_info[:3])))
    try:
        settings = load_settings()
    except CannotStart as wrong:
        yield Finding("settings", "problem", str(wrong))
        return
    yield Finding("settings", "ok", "every variable can be read")
    for sentence in unknown_variables():
        yield Finding("settings", "problem" if sentence.endswith("?") else "note", sentence)
    for finding in _folder(settings):
        yield finding
    async for finding in _store(settings):
        yield finding
    yield _reach(settings)


def _folder(settings: Settings) -> list[Finding]:
    folder = settings.data_dir
    there = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        wrong = f"{there} is no folder" if not there.is_dir() else f"this user may not write in {there}"
        return [Finding("data folder", "problem", f"{wrong}: set BUYSIDE_DATA_DIR to a folder of this user's")]
    if there != folder:
        return [Finding("data folder", "note", f"{folder} is made on first use")]
    if not any((folder / name).exists() for name in (KEY_FILE, STORE_FILE)):
        return [Finding("data folder", "note", f"nothing of ours is in {folder} yet")]
    found = [
        Finding("data folder", "problem", f"other users may read {path}: chmod go= {path}")
        for path in (folder, folder / KEY_FILE)
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    return found or [Finding("data folder", "ok", f"{folder} is closed to other users")]


async def _store(settings: Settings) -> AsyncIterator[Finding]:
    url = make_url(settings.database_url.get_secret_value())
    if _is_yet_to_come(url):
        yield Finding("store", "note", f"{url.database} is made by the first command that needs it")
        return
    try:
        database = open_store(settings)
    except CannotStart as wrong:
        yield Finding("store", "problem", str(wrong))
        return
    try:
        with plainly():
            behind = await pending(database)
            yield Finding("store", "ok", f"{url.get_backend_name()} answers")
            yield _schema(behind, database)
            if not behind:
                yield await _key(settings, database)
            elif not database.is_sqlite and settings.secret_key is None:
                yield NO_KEY
    except CannotStart as wrong:
        yield Finding("store", "problem", str(wrong))
    finally:
        await database.dispose()


def _is_yet_to_come(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def _schema(behind: bool, database: Database) -> Finding:
    if not behind:
        return Finding("schema", "ok", "up to date")
    if database.is_sqlite:
        return Finding("schema", "note", "is brought up to date by the next start")
    return Finding("schema", "problem", "is behind this version: run buyside migrate")


async def _key(settings: Settings, database: Database) -> Finding:
    sealed = await seal.is_set(database)
    if settings.secret_key is not None:
        secret = settings.secret_key.get_secret_value().encode()
    elif not database.is_sqlite:
        return NO_KEY
    else:
        found = key_file(settings.data_dir / KEY_FILE, make=False)
        if found is None:
            text = "the key file is gone, and this store cannot be opened without" if sealed else "is made on first use"
            return Finding("secret key", "problem" if sealed else "note", text)
        secret = found
    if not sealed:
        return Finding("secret key", "ok", "becomes this store's at the first start")
    with plainly():
        await seal.check(database, Vault(secret))
    return Finding("secret key", "ok", "opens this store")


def _reach(settings: Settings) -> Finding:
    if settings.public_url is None:
        text = "BUYSIDE_PUBLIC_URL is not set: sellers cannot call back or fetch assets, and are asked instead"
        return Finding("public address", "note", text)
    if settings.public_url.startswith("http://"):
        return Finding("public address", "note", f"{settings.public_url} is not encrypted")
    return Finding("public address", "ok", settings.public_url)
