"""Accounts and their keys: who is calling, who may, and for how much."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from buyside.domain.accounts import Account, Caller, Key, Limit, LimitScope, Right, Role, Surface, limit_facts
from buyside.domain.decisions import EntryType, Subject
from buyside.domain.errors import Conflict, Invalid, Issue, NotFound
from buyside.domain.ids import AccountId, KeyId
from buyside.services.work import Runtime, Tx, Work, random_text
from buyside.store.accounts import Registry

_KEY = re.compile(r"buyside_([1-9][0-9]{0,17})_([0-9A-Za-z]{43})")
_SECRET_LENGTH = 43  # base62: 256 bits
_REMEMBERED = 10_000


@dataclass(frozen=True)
class NewKey:
    """A key with its text: the only moment at which that is known."""

    key: Key
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key!r})"


@asynccontextmanager
async def _registry(runtime: Runtime, *, write: bool = False) -> AsyncIterator[Registry]:
    database = runtime.database
    async with database.write.begin() if write else database.read.connect() as conn:
        yield Registry(conn)


async def caller_of(runtime: Runtime, token: str, surface: Surface) -> Caller | None:
    """Whose key this is; None when it is nobody's, or revoked.

    Looked up at most once in `policy.key_cache` seconds per process, so a revocation elsewhere takes that long.
    """
    if not (match := _KEY.fullmatch(token)):
        return None
    digest, now = runtime.vault.digest(match[2]), runtime.clock()
    known = runtime.callers.get(digest)
    if known is None or known[1] <= now:
        async with _registry(runtime) as registry:
            key = await registry.key_of(digest)
        if key is None:
            runtime.callers.pop(digest, None)
            return None
        known = Caller(key.account, key.id, key.role, surface, key.name), _until(runtime, now)
        _remember(runtime, digest, known, now)
    caller = known[0]
    return replace(caller, surface=surface) if caller.key == int(match[1]) else None


def _until(runtime: Runtime, now: datetime) -> datetime:
    return now + timedelta(seconds=runtime.policy.key_cache)


def _remember(runtime: Runtime, digest: bytes, known: tuple[Caller, datetime], now: datetime) -> None:
    callers = runtime.callers
    if len(callers) >= _REMEMBERED:
        for old in [each for each, (_, until) in callers.items() if until <= now] or list(callers):
            del callers[old]
    callers[digest] = known


async def ensure(runtime: Runtime, name: str) -> Account:
    """The account of that name, made if there is none yet."""
    name = name.strip()
    if not 0 < len(name) <= 255:
        raise Invalid("An account's name has 1 to 255 characters.", field="account")
    async with _registry(runtime, write=True) as registry:
        if found := await registry.named(name):
            return found
        try:
            made = await registry.open(name, runtime.clock())
        except Conflict:
            # Another process was first.
            return await named(runtime, name)
    if runtime.on_new_account is not None:
        await runtime.on_new_account(made.id)
    return made


async def named(runtime: Runtime, name: str) -> Account:
    """Raises: NotFound."""
    async with _registry(runtime) as registry:
        if found := await registry.named(name):
            return found
    raise NotFound(f"There is no account {name!r}.")


async def every(runtime: Runtime) -> list[Account]:
    """All accounts of the installation: for whoever runs it, never for a caller."""
    async with _registry(runtime) as registry:
        return await registry.all()


async def get_current(work: Work) -> Account:
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.accounts.current()


async def list_keys(work: Work) -> list[Key]:
    """Every key of the account, revoked ones too, without what opens."""
    work.require(Right.KEYS)
    async with work.reading() as tx:
        return await tx.accounts.keys()


async def create_key(work: Work, name: str, role: Role) -> NewKey:
    """A key for this account. Its text is shown once; only a keyed hash of it is kept."""
    work.require(Right.KEYS)
    secret = random_text(_SECRET_LENGTH)
    async with work.writing() as tx:
        key = await tx.accounts.add_key(name, role, work.runtime.vault.digest(secret), work.now())
        await tx.record("key.created", f"Made {_called(key)}.", _subject(key), after=_shown(key))
    return NewKey(key, f"buyside_{key.id}_{secret}")


async def revoke_key(work: Work, key_id: KeyId) -> None:
    """From now on the key opens nothing here; in other processes within the cache's seconds. Twice is as once."""
    work.require(Right.KEYS)
    async with work.writing() as tx:
        key = await tx.accounts.key(key_id)
        if await tx.accounts.revoke(key_id, work.now()):
            before, after = {"revokedAt": None}, {"revokedAt": work.now().isoformat()}
            await tx.record("key.revoked", f"Revoked {_called(key)}.", _subject(key), before=before, after=after)
    callers = work.runtime.callers
    for digest in [each for each, (caller, _) in callers.items() if caller.key == key_id]:
        del callers[digest]


def _called(key: Key) -> str:
    return f"{key.role.value} key {key.id} ({key.name})"


def _subject(key: Key) -> Subject:
    return Subject("api_key", str(key.id))


def _shown(key: Key) -> dict[str, Any]:
    return {"name": key.name, "role": key.role.value}


async def get_limits(work: Work) -> list[Limit]:
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.accounts.limits()


async def set_limits(
    work: Work, limits: Sequence[Limit], *, check: Callable[[Sequence[Limit]], None] | None = None
) -> list[Limit]:
    """Replace all limits on money (ruling 0.9). They bind the next buy; what is committed stays.

    `check` sees those that stand, under the lock, and may refuse. Raises: Invalid, with every finding.
    """
    work.require(Right.LIMITS)
    async with work.writing() as tx:
        await tx.accounts.lock()
        if check is not None:
            check(await tx.accounts.limits())
        if issues := [*_twice(limits), *await _unknown(tx, limits)]:
            raise Invalid.of(issues)
        before = await tx.accounts.limits()
        await tx.accounts.set_limits(list(limits))
        if before != list(limits):
            await _record_limits(tx, work, before, limits)
    return list(limits)


async def _record_limits(tx: Tx, work: Work, before: Sequence[Limit], after: Sequence[Limit]) -> None:
    await tx.record(
        "limits.set",
        f"Set {len(after)} spending limits, where {len(before)} were.",
        Subject("account", str(work.caller.account)),
        before={"limits": [limit_facts(each) for each in before]},
        after={"limits": [limit_facts(each) for each in after]},
        entry_type=EntryType.EDIT,
    )


def _twice(limits: Sequence[Limit]) -> list[Issue]:
    seen: set[tuple[object, ...]] = set()
    issues = []
    for index, each in enumerate(limits):
        scope = each.scope, each.key, each.agent, each.currency
        if scope in seen:
            issues.append(Issue(("limits", index), f"There is another limit of {each.label} in {each.currency}."))
        seen.add(scope)
    return issues


async def _unknown(tx: Tx, limits: Sequence[Limit]) -> list[Issue]:
    issues = []
    for index, each in enumerate(limits):
        if each.scope is LimitScope.KEY and (each.key is None or not await tx.accounts.has_key(each.key)):
            issues.append(Issue(("limits", index, "keyId"), f"There is no key {each.key}."))
        if each.scope is LimitScope.SELLER:
            try:
                if each.agent is None:
                    raise NotFound("A limit of scope seller names a sales agent.")
                await tx.storefronts.seller(each.agent)
            except NotFound as unknown:
                issues.append(Issue(("limits", index, "salesAgentId"), unknown.message))
    return issues


def operator(runtime: Runtime, account: AccountId, doing: str, surface: Surface = Surface.CLI) -> Work:
    """Work of whoever runs this server, on an account's behalf, at its own machine: no key is asked for."""
    return Work(runtime, Caller(account, None, Role.ADMIN, surface, doing))
