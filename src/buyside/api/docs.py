"""The front page, and the manual for agents: our text, with tables made from the routes so that they cannot drift."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Request, Response

from buyside.api.openapi import Document, document, operations
from buyside.api.requests import BASE

router = APIRouter(include_in_schema=False)


def _manual(request: Request, made: Document) -> str:
    address = _address(request)
    text = resources.files("buyside.api").joinpath("skill.md").read_text("utf-8")
    filled = {"base_url": address + BASE, "public_url": address, "tables": _tables(made)}
    for name, value in filled.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _address(request: Request) -> str:
    return request.app.state.about.public_url or str(request.base_url).rstrip("/")


def _tables(made: Document) -> str:
    rows: dict[str, list[str]] = {}
    for path, method, operation in operations(made):
        if path.startswith(BASE):
            row = f"| {method.upper()} | `{path.removeprefix(BASE)}` | {operation['summary'].replace('|', '/')} |"
            rows.setdefault(operation["tags"][0], []).append(row)
    return "\n\n".join(_table(tag, lines) for tag, lines in sorted(rows.items()))


def _table(tag: str, rows: list[str]) -> str:
    return "\n".join(
        (f"### {tag}", "", "| Method | Endpoint | Description |", "|--------|----------|-------------|", *rows)
    )


@router.get(f"{BASE}/skill.md")
async def skill(request: Request) -> Response:
    return Response(_manual(request, await document(request.app)), media_type="text/markdown")


_FRONT = """buyside {version}: a buy-side campaign server.

An API key is made on the machine where this server runs, and shown once:

    buyside keys create --account NAME

Send it as Authorization: Bearer buyside_...

    {address}{base}/skill.md       what can be done, and in which order
    {address}/openapi.json                 every operation and every field
    {address}{base}/openapi.yaml   the same as YAML
    {address}/health                       whether it is well
"""


@router.get("/")
async def front(request: Request) -> Response:
    text = _FRONT.format(version=request.app.state.about.version, address=_address(request), base=BASE)
    return Response(text, media_type="text/plain")
