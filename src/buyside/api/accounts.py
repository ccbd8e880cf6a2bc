"""The caller's account, its keys and its limits on money."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from buyside.api.envelope import nothing, reply
from buyside.api.requests import Signed, router
from buyside.domain.accounts import Account, Caller, Key, Limit, LimitScope, Role
from buyside.domain.ids import AgentId, KeyId
from buyside.domain.money import Money
from buyside.schemas.accounts import CurrentAccountResponse, ListCustomerAccountsResponse, OrgAccountSummary
from buyside.schemas.api_keys import ApiKey, ApiKeyCreated, ApiKeyList, CreateApiKeyBody
from buyside.schemas.limits import LimitsResponse, SetLimitsBody, SpendingLimit, SpendingLimitInput
from buyside.schemas.wire import LARGEST_INT
from buyside.services import accounts

routes = router("Accounts")

KeyPath = Annotated[KeyId, Path(alias="keyId", ge=1, le=LARGEST_INT)]


@routes.get("/accounts/current", operation_id="getCurrentAccount", response_model=CurrentAccountResponse)
async def get_current(work: Signed) -> Response:
    """Show the account that the key belongs to."""
    account = await accounts.get_current(work)
    shown = _summary(account, work.caller).model_dump()
    return reply(CurrentAccountResponse(**shown, customer_domain=account.domain))


@routes.get("/accounts", operation_id="listCustomerAccounts", response_model=ListCustomerAccountsResponse)
async def list_accounts(work: Signed) -> Response:
    """List the accounts that the key can speak for: its own."""
    account = await accounts.get_current(work)
    return reply(ListCustomerAccountsResponse(accounts=[_summary(account, work.caller)]))


@routes.get("/accounts/current/limits", operation_id="getSpendingLimits", response_model=LimitsResponse)
async def get_limits(work: Signed) -> Response:
    """List the limits on money: what one buy, and all buys of one UTC day, may come to."""
    return reply(_limits_out(await accounts.get_limits(work)))


@routes.put("/accounts/current/limits", operation_id="setSpendingLimits", response_model=LimitsResponse)
async def set_limits(work: Signed, body: SetLimitsBody) -> Response:
    """Replace all limits on money. They bind the next buy; what is committed already stays. Needs an ADMIN key."""
    wanted = [_limit_in(each, index) for index, each in enumerate(body.limits)]
    return reply(_limits_out(await accounts.set_limits(work, wanted)))


@routes.get("/api-keys", operation_id="listApiKeys", response_model=ApiKeyList)
async def list_keys(work: Signed) -> Response:
    """List the account's keys, revoked ones too. Needs an ADMIN key."""
    found = await accounts.list_keys(work)
    return reply(ApiKeyList(items=[_key_out(each) for each in found], total=len(found)))


@routes.post("/api-keys", operation_id="createApiKey", status_code=201, response_model=ApiKeyCreated)
async def create_key(work: Signed, body: CreateApiKeyBody) -> Response:
    """Make a key for this account. It is shown this once. Needs an ADMIN key."""
    made = await accounts.create_key(work, body.name, Role(body.role))
    return reply(ApiKeyCreated(**_key_out(made.key).model_dump(), api_key=made.text), 201)


@routes.delete("/api-keys/{keyId}", operation_id="revokeApiKey", status_code=204, response_class=Response)
async def revoke_key(work: Signed, key_id: KeyPath) -> Response:
    """Revoke a key: it opens nothing any more. What it bought stays. Needs an ADMIN key."""
    await accounts.revoke_key(work, key_id)
    return nothing()


def _summary(account: Account, caller: Caller) -> OrgAccountSummary:
    return OrgAccountSummary(id=account.id, company=account.company, name=account.name, role=caller.role.value)


def _key_out(key: Key) -> ApiKey:
    return ApiKey(
        id=str(key.id), name=key.name, role=key.role.value, created_at=key.created_at, revoked_at=key.revoked_at
    )


def _limit_in(limit: SpendingLimitInput, index: int) -> Limit:
    def money(name: str) -> Money | None:
        amount = getattr(limit, name)
        field = f"limits[{index}].{'largestBuy' if name == 'largest_buy' else 'perDay'}"
        return None if amount is None else Money.of(amount, limit.currency, field=field)

    return Limit(
        LimitScope(limit.scope),
        limit.currency,
        None if limit.key_id is None else KeyId(limit.key_id),
        None if limit.sales_agent_id is None else AgentId(limit.sales_agent_id),
        money("largest_buy"),
        money("per_day"),
    )


def _limits_out(limits: list[Limit]) -> LimitsResponse:
    return LimitsResponse(limits=[_limit_out(each) for each in limits])


def _limit_out(limit: Limit) -> SpendingLimit:
    return SpendingLimit(
        scope=limit.scope.value,
        currency=limit.currency,
        key_id=limit.key,
        sales_agent_id=limit.agent,
        largest_buy=limit.largest_buy and limit.largest_buy.major,
        per_day=limit.per_day and limit.per_day.major,
    )
