"""Whom a seller books for: made sure of before the first buy (interchange.md ruling 0.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from buyside.domain.advertisers import Advertiser
from buyside.domain.answers import Answer, Outcome
from buyside.domain.errors import Forbidden, PlatformError, Rejected, Unavailable
from buyside.domain.ids import AgentId, OperationId
from buyside.domain.operations import Kind, Operation, State
from buyside.domain.orders import AccountRef, AccountVerdict
from buyside.domain.storefronts import Seller
from buyside.services.work import Policy, Tx, Work

MAPPING_REQUIRED = "account_mapping_required"
_OPEN = frozenset({"active", "pending_approval"})


def natural(seller: Seller, advertiser: Advertiser, policy: Policy) -> AccountRef:
    """The account by brand and operator, in sandbox money wherever that is what is bought with.

    Raises: Invalid without a brand domain; Forbidden where a sandbox advertiser would reach a live seller.
    """
    brand = advertiser.require_brand()
    check_sandbox(seller, advertiser)
    operator = seller.operator_domain or policy.operator_domain or brand
    return AccountRef(brand, operator, sandbox=in_sandbox(seller, advertiser))


def in_sandbox(seller: Seller, advertiser: Advertiser) -> bool:
    """Whether what is bought there is bought with sandbox money."""
    only = seller.own_sandbox or (seller.profile is not None and seller.profile.only_sandbox)
    return only or advertiser.sandbox


def check_sandbox(seller: Seller, advertiser: Advertiser) -> None:
    """Raises: Forbidden where a sandbox advertiser would reach a live seller (ruling 0.7)."""
    tries_out = seller.profile is not None and seller.profile.sandbox
    if advertiser.sandbox and not (seller.own_sandbox or tries_out):
        raise Forbidden(f"{advertiser.spec.name} is a sandbox advertiser and {seller.name} is a live seller.")


def _key(account: AccountRef) -> str:
    return f"{account.brand_domain}|{account.operator_domain}|{'sandbox' if account.sandbox else 'live'}"


async def known(work: Work, seller: Seller, account: AccountRef) -> AccountRef:
    """The account as this seller wants it named, without asking it: for reads."""
    async with work.reading() as tx:
        return await numbered(tx, seller, account)


async def numbered(tx: Tx, seller: Seller, account: AccountRef) -> AccountRef:
    """`known`, inside a transaction."""
    return _named(seller, account, await tx.storefronts.account_at(seller.id, _key(account)))


async def established(
    tx: Tx, sellers: Sequence[Seller], advertiser: Advertiser, policy: Policy
) -> dict[AgentId, AccountRef]:
    """The account as each seller knows it already, where it does: for questions that can be asked without one.

    Raises: Forbidden where a sandbox advertiser would reach a live seller.
    """
    if advertiser.spec.brand_domain is None:
        return {}
    wanted = {each.id: natural(each, advertiser, policy) for each in sellers}
    said = await tx.storefronts.accounts_at({_key(account) for account in wanted.values()})
    found = {}
    for seller in sellers:
        verdict = said.get((seller.id, _key(wanted[seller.id])))
        named = _named(seller, wanted[seller.id], verdict)
        if named.account_id is not None or (verdict is not None and verdict.status in _OPEN):
            found[seller.id] = named
    return found


def _named(seller: Seller, account: AccountRef, verdict: AccountVerdict | None) -> AccountRef:
    if seller.profile is None or not seller.profile.requires_account_id:
        return account
    return replace(account, account_id=(verdict.account_id if verdict else None) or seller.account_identifier)


async def ensure(work: Work, seller: Seller, account: AccountRef) -> None:
    """Make the seller know the account, once. An outside write: operation row first.

    Raises: PlatformError when it does not, with the reason; nothing was bought.
    """
    async with work.reading() as tx:
        verdict = await tx.storefronts.account_at(seller.id, _key(account))
    if verdict is not None and verdict.status in _OPEN:
        return
    profile = seller.profile
    if profile is not None and profile.requires_account_id:
        if _named(seller, account, verdict).account_id is None:
            raise Rejected(
                f"{MAPPING_REQUIRED}: {seller.name} books only on an account of its own; register a credential whose "
                "accountIdentifier is that account's id.",
                details={"code": MAPPING_REQUIRED},
            )
        return
    if profile is not None and profile.tools and "sync_accounts" not in profile.tools:
        return
    await _sync(work, seller, account)


async def _sync(work: Work, seller: Seller, account: AccountRef) -> None:
    now = work.now()
    billing = seller.billing or work.policy.billing
    planned = Operation(
        id=OperationId(work.new_id("op", 20)),
        kind=Kind.ACCOUNT,
        agent_id=seller.id,
        prepared=work.sellers.prepare_account(seller, account, billing, work.new_key()),
        state=State.SENT,
        created_at=now,
        key_id=work.caller.key,
        actor=work.caller.name,
        purpose="account",
        attempts=1,
        lease_until=now + work.policy.lease,
        next_at=now + work.policy.lease,
        first_sent_at=now,
        replay_ttl=seller.profile.replay_ttl if seller.profile else None,
    )
    async with work.writing() as tx:
        await tx.operations.add(planned)
    answer = await work.sellers.call(seller, planned.prepared, timeout=work.policy.call_timeout)
    await settle(work, planned, seller, account, answer)


async def settle(work: Work, planned: Operation, seller: Seller, account: AccountRef, answer: Answer) -> None:
    """Raises: PlatformError when the seller does not take the account."""
    verdict = work.sellers.account_verdict(answer.data, account) if answer.outcome is not Outcome.REJECTED else None
    if verdict is None and answer.outcome in {Outcome.ACCEPTED, Outcome.PENDING}:
        verdict = AccountVerdict(None, "active" if answer.outcome is Outcome.ACCEPTED else "pending_approval")
    state = State.DONE if verdict is not None else State.REFUSED
    async with work.writing() as tx:
        # A sync of accounts is an upsert by natural key: one whose outcome is unknown is simply asked anew, later.
        await tx.operations.save(
            replace(planned, state=state, message=answer.message or None, lease_until=None, next_at=None)
        )
        if verdict is not None:
            await tx.storefronts.set_account_at(seller.id, _key(account), verdict, work.now())
    _require(seller, verdict, answer)


def _require(seller: Seller, verdict: AccountVerdict | None, answer: Answer) -> None:
    if verdict is not None and verdict.status in _OPEN:
        return
    if verdict is not None:
        raise Rejected(
            f"{MAPPING_REQUIRED}: {seller.name} says the account is {verdict.status}"
            f"{': ' + verdict.message if verdict.message else ''}.",
            details={"code": MAPPING_REQUIRED},
        )
    failure: type[PlatformError] = Unavailable if answer.outcome is Outcome.UNKNOWN or not answer.reached else Rejected
    raise failure(f"{seller.name} did not take the account: {answer.message}", details={"code": MAPPING_REQUIRED})
