"""The account that a key belongs to."""

from __future__ import annotations

from typing import Literal

from buyside.schemas.wire import Maybe, Response

RoleName = Literal["MEMBER", "ADMIN"]


class CurrentAccountResponse(Response):
    id: int
    company: str
    name: str
    role: Maybe[RoleName] = None
    customer_domain: str | None


class OrgAccountSummary(Response):
    id: int
    company: str
    name: str
    role: Maybe[RoleName] = None


class ListCustomerAccountsResponse(Response):
    accounts: list[OrgAccountSummary]
