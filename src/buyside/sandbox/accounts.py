"""Accounts, which buyers declare themselves: a brand and who operates for it."""

from __future__ import annotations

from buyside.sandbox import Doc
from buyside.sandbox.codec import short_hash
from buyside.sandbox.paging import page
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

BILLING = ("operator", "agent")


def _key(brand: Doc, operator: str) -> str:
    # The sandbox flag is no part of it: every account here is a sandbox account.
    return short_hash(str(brand.get("domain")), str(brand.get("brand_id") or ""), operator)


def _account(seller: Seller, request: Request, brand: Doc, operator: str) -> Doc:
    domain = str(brand["domain"])
    return {
        "account_id": f"acc_{short_hash(seller.name, request.principal, _key(brand, operator))}",
        "name": f"{domain} (through {operator})" if operator != domain else domain,
        "advertiser": domain,
        "brand": {name: brand[name] for name in ("domain", "brand_id") if brand.get(name)},
        "operator": operator,
        "status": "active",
        "billing": BILLING[0],
        "account_scope": "operator_brand",
        "sandbox": True,
    }


def _id(seller: Seller, request: Request, reference: Doc) -> str:
    if reference.get("account_id"):
        return str(reference["account_id"])
    if not isinstance(reference.get("brand"), dict) or not reference.get("operator"):
        text = "An account is an account_id, or a brand and an operator."
        raise Refusal("VALIDATION_ERROR", text, field="account")
    return str(_account(seller, request, reference["brand"], str(reference["operator"]))["account_id"])


def find(seller: Seller, request: Request) -> Doc | None:
    """The account that the arguments name, if there is one. Raises: Refusal when they name none that exists."""
    reference = request.arguments.get("account")
    if not reference:
        return None
    identity = _id(seller, request, reference)
    known = seller.ledger.get("account", identity)
    if known is not None and known["principal"] == request.principal:
        return known
    by_id = bool(reference.get("account_id"))
    if by_id or seller.faults.on("require_sync_accounts", request.tool):
        raise Refusal("ACCOUNT_NOT_FOUND", "There is no such account; declare it with sync_accounts.", field="account")
    return {**_account(seller, request, reference["brand"], str(reference["operator"])), "principal": request.principal}


def resolve(seller: Seller, request: Request) -> Doc:
    """As `find`, and an account that was only named is opened. Raises: Refusal also when none is named."""
    account = find(seller, request)
    if account is None:
        raise Refusal("VALIDATION_ERROR", "account is required.", field="account")
    seller.ledger.put("account", account["account_id"], account, owner=request.principal)
    return account


def doc(account: Doc) -> Doc:
    return {name: value for name, value in account.items() if name != "principal"}


def sync(seller: Seller, request: Request) -> Doc:
    dry_run = request.arguments.get("dry_run") is True
    rows = [_synced(seller, request, item, dry_run=dry_run) for item in request.arguments["accounts"]]
    return {"accounts": rows, "sandbox": True, **({"dry_run": True} if dry_run else {})}


def _synced(seller: Seller, request: Request, item: Doc, *, dry_run: bool) -> Doc:
    natural = item if item.get("brand") else item.get("account") or {}
    brand, operator = natural.get("brand"), natural.get("operator")
    if not isinstance(brand, dict) or not brand.get("domain") or not operator:
        raise Refusal("VALIDATION_ERROR", "An account needs a brand and an operator.", field="accounts")
    billing = item.get("billing") or BILLING[0]
    if billing not in BILLING:
        error = Refusal("BILLING_NOT_SUPPORTED", f"Billing is by {' or '.join(BILLING)}.", field="billing")
        shown = {"brand": brand, "operator": operator}
        return {**shown, "action": "failed", "status": "rejected", "errors": [error.doc()]}
    account = {**_account(seller, request, brand, str(operator)), "billing": billing, "principal": request.principal}
    before = seller.ledger.get("account", account["account_id"])
    if not dry_run:
        seller.ledger.put("account", account["account_id"], account, owner=request.principal)
    action = "created" if before is None else "unchanged" if before == account else "updated"
    return {**doc(account), "action": action}


def listed(seller: Seller, request: Request) -> Doc:
    account = find(seller, request)
    status = request.arguments.get("status")
    rows = [
        doc(row)
        for row in seller.ledger.all("account", owner=request.principal)
        if (account is None or row["account_id"] == account["account_id"])
        and (status is None or row["status"] == status)
    ]
    shown, pagination = page(rows, request.arguments)
    return {"accounts": shown, "pagination": pagination}
