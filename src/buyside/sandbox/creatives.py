"""The creative library of an account, and which package shows what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from buyside.sandbox import Doc, accounts, codec, formats, standing
from buyside.sandbox.formats import FORMATS, Format
from buyside.sandbox.paging import page
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

_CONTENT = ("name", "format_id", "format_kind", "format_option_ref", "assets", "inputs", "tags")


def _format(creative: Doc) -> Format:
    """Raises: Refusal when there is no such format here."""
    ref = creative.get("format_id")
    if ref is None:
        wanted = (creative.get("format_option_ref") or {}).get("format_option_id")
        kind = creative.get("format_kind")
        fits = [fmt for fmt in FORMATS.values() if fmt.kind == kind and wanted in (None, fmt.id)]
        if fits:
            sizes = [(one.get("width"), one.get("height")) for one in _assets(creative)]
            return next((fmt for fmt in fits if (fmt.width, fmt.height) in sizes), fits[0])
        raise Refusal("VALIDATION_ERROR", "This seller takes no creative of this kind.", field="format_kind")
    fmt = formats.known(ref)
    if fmt is None:
        raise Refusal("VALIDATION_ERROR", "This seller does not know the format.", field="format_id")
    return fmt


def _assets(creative: Doc) -> list[Doc]:
    assets = creative.get("assets")
    return [one for one in assets.values() if isinstance(one, dict)] if isinstance(assets, dict) else []


def _check_assets(creative: Doc, fmt: Format) -> None:
    # An address does for any format: this seller takes it that the creative can be fetched there.
    fits = [asset for asset in _assets(creative) if _type(asset, fmt) in (*fmt.needs, "url")]
    if not fits:
        text = f"{fmt.name} needs an asset of type {' or '.join(fmt.needs)}."
        raise Refusal("VALIDATION_ERROR", text, field="assets")
    for asset in fits:
        size = (asset.get("width"), asset.get("height"))
        if fmt.kind == "image" and None not in size and size != (fmt.width, fmt.height):
            text = f"{fmt.name} is {fmt.width} by {fmt.height}, not {size[0]} by {size[1]}."
            raise Refusal("CREATIVE_REJECTED", text, field="assets")


def _type(asset: Doc, fmt: Format) -> str:
    # 3.0 assets carry no type of their own: the slot says what they are.
    return str(asset.get("asset_type") or fmt.needs[0])


def save(seller: Seller, request: Request, account: Doc, creative: Doc, *, dry_run: bool = False) -> Doc:
    """Takes one creative in. Returns its row of the answer, `failed` with the reason when it is not taken."""
    identity = str(creative["creative_id"])
    dropped = seller.faults.find("drop_creatives", "sync_creatives", request.products)
    try:
        if dropped and dropped.value in ("", identity) and seller.strikes("drop_creatives", request):
            raise Refusal("CREATIVE_REJECTED", "The creative was not taken.", field="creative_id")
        fmt = _format(creative)
        _check_assets(creative, fmt)
    except Refusal as refusal:
        return {"creative_id": identity, "action": "failed", "errors": [refusal.doc()]}
    content = {name: creative[name] for name in _CONTENT if creative.get(name) is not None}
    before = seller.ledger.get("creative", f"{account['account_id']}/{identity}")
    mark = codec.fingerprint(content)
    if before is not None and before["mark"] == mark:
        return {"creative_id": identity, "action": "unchanged", "status": before["status"]}
    reviewed = "pending_review" if seller.strikes("creative_review", request) else "approved"
    if not dry_run:
        kept = {
            **content,
            "creative_id": identity,
            "account_id": account["account_id"],
            "format": fmt.id,
            "status": reviewed,
            "mark": mark,
            "created_date": before["created_date"] if before else seller.stamp(),
            "updated_date": seller.stamp(),
        }
        seller.ledger.put("creative", f"{account['account_id']}/{identity}", kept, owner=account["account_id"])
    changes = [name for name in _CONTENT if before is not None and before.get(name) != content.get(name)]
    action = {"action": "created"} if before is None else {"action": "updated", "changes": changes}
    return {"creative_id": identity, **action, "status": reviewed}


def assign(seller: Seller, buy: Doc, package: Doc, assignment: Doc, field: str) -> None:
    """Raises: Refusal when there is no such creative, or it does not fit the product."""
    identity = str(assignment["creative_id"])
    creative = standing.creative(seller, buy, identity)
    if creative is None:
        raise Refusal("CREATIVE_NOT_FOUND", f"There is no creative {identity!r}.", field=field)
    if not _fits(creative, package):
        text = f"The format of {identity!r} is none of this package's."
        raise Refusal("CREATIVE_REJECTED", text, field=field)
    others = [one for one in package["creative_assignments"] if one["creative_id"] != identity]
    kept = {name: assignment[name] for name in ("creative_id", "weight", "placement_ids") if assignment.get(name)}
    package["creative_assignments"] = [*others, kept]


def _fits(creative: Doc, package: Doc) -> bool:
    asked = [FORMATS[ref["id"]] for ref in package["format_ids"]]
    if creative.get("format_id") or creative.get("format_option_ref"):
        return creative["format"] in [fmt.id for fmt in asked]
    # 3.1 lets a creative name its kind alone: any format of that kind will do.
    return creative["format_kind"] in [fmt.kind for fmt in asked]


def _pairs(assignments: Any) -> list[Doc]:
    """A list since 3.0; before, an object from creative to packages, which is still met."""
    if isinstance(assignments, dict):
        return [{"creative_id": one, "package_id": each} for one, packages in assignments.items() for each in packages]
    return [pair for pair in assignments or [] if isinstance(pair, dict)]


def sync(seller: Seller, request: Request) -> Doc:
    arguments = request.arguments
    dry_run = arguments.get("dry_run") is True
    account = accounts.resolve(seller, request)
    only = arguments.get("creative_ids")
    wanted = [one for one in arguments["creatives"] if only is None or one["creative_id"] in only]
    rows = {row["creative_id"]: row for row in (save(seller, request, account, one, dry_run=dry_run) for one in wanted)}
    if arguments.get("delete_missing") is True and not dry_run:
        rows |= _delete_others(seller, account, {str(one["creative_id"]) for one in arguments["creatives"]})
    if not dry_run:
        for pair in _pairs(arguments.get("assignments")):
            _assign_row(seller, account, rows, pair)
        changed = [name for name, row in rows.items() if row["action"] in ("updated", "deleted")]
        refresh_buys(seller, account["account_id"], changed)
    answer: Doc = {"creatives": list(rows.values()), "sandbox": True}
    return {**answer, "dry_run": True} if dry_run else answer


def _delete_others(seller: Seller, account: Doc, kept: set[str]) -> dict[str, Doc]:
    gone = {}
    for creative in seller.ledger.all("creative", owner=account["account_id"]):
        identity = creative["creative_id"]
        if identity not in kept:
            seller.ledger.drop("creative", f"{account['account_id']}/{identity}")
            gone[identity] = {"creative_id": identity, "action": "deleted"}
    return gone


def _assign_row(seller: Seller, account: Doc, rows: dict[str, Doc], pair: Doc) -> None:
    identity, package_id = str(pair.get("creative_id")), str(pair.get("package_id"))
    row = rows.setdefault(identity, {"creative_id": identity, "action": "unchanged"})
    try:
        if row["action"] == "failed":
            raise Refusal("CREATIVE_REJECTED", "The creative failed, so it is assigned to nothing.")
        buy, package = find_package(seller, account["account_id"], package_id)
        assign(seller, buy, package, pair, "assignments")
    except Refusal as refusal:
        row.setdefault("assignment_errors", {})[package_id] = refusal.message
        return
    row.setdefault("assigned_to", []).append(package_id)
    standing.note(buy, "update_creative_assignments", f"{identity} on {package_id}", at=seller.now())
    standing.refresh(seller, buy, seller.now())


def find_package(seller: Seller, account_id: str, package_id: str) -> tuple[Doc, Doc]:
    """Raises: Refusal."""
    index = seller.ledger.get("package", package_id)
    buy = seller.ledger.get("media_buy", index["media_buy_id"]) if index else None
    for package in buy["packages"] if buy is not None else []:
        if buy is not None and buy["account_id"] == account_id and package["package_id"] == package_id:
            return buy, package
    raise Refusal("PACKAGE_NOT_FOUND", f"There is no package {package_id!r}.", field="package_id")


def refresh_buys(seller: Seller, account_id: str, changed: Iterable[str]) -> None:
    """A creative that changed, went or was decided on can start or stop every buy that shows it."""
    ids = set(changed)
    for buy in seller.ledger.all("media_buy", owner=account_id) if ids else []:
        if any(ids & _shown(package) for package in buy["packages"]):
            standing.refresh(seller, buy, seller.now())


def _shown(package: Doc) -> set[str]:
    return {one["creative_id"] for one in package["creative_assignments"]}


def _assigned(seller: Seller, creative: Doc) -> list[str]:
    buys = seller.ledger.all("media_buy", owner=creative["account_id"])
    packages = [package for buy in buys for package in buy["packages"]]
    return [package["package_id"] for package in packages if creative["creative_id"] in _shown(package)]


def doc(seller: Seller, creative: Doc) -> Doc:
    shown = {name: creative[name] for name in ("creative_id", *_CONTENT) if name in creative}
    fmt = FORMATS[creative["format"]]
    shown |= {name: creative[name] for name in ("status", "created_date", "updated_date")}
    packages = _assigned(seller, creative)
    rows = [{"package_id": one, "assigned_date": creative["updated_date"]} for one in packages]
    assignments = {"assignment_count": len(packages), "assigned_packages": rows}
    return {"name": creative["creative_id"], "format_id": fmt.ref, **shown, "assignments": assignments}


def listed(seller: Seller, request: Request) -> Doc:
    filters = request.arguments.get("filters") or {}
    account = accounts.find(seller, request)
    mine = [account] if account else seller.ledger.all("account", owner=request.principal)
    rows = [
        creative
        for one in mine
        for creative in seller.ledger.all("creative", owner=one["account_id"])
        if creative["creative_id"] in (filters.get("creative_ids") or [creative["creative_id"]])
        and creative["status"] in (filters.get("statuses") or [creative["status"]])
    ]
    shown, pagination = page(rows, request.arguments)
    summary = {"total_matching": len(rows), "returned": len(shown), "filters_applied": sorted(filters)}
    creatives = [doc(seller, creative) for creative in shown]
    return {"query_summary": summary, "pagination": pagination, "creatives": creatives, "sandbox": True}
