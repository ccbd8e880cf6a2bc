"""The manual for agents: our text, with tables made from the routes so that they cannot drift."""

from __future__ import annotations

from importlib import resources

from fastapi import APIRouter, Request, Response

from buyside.api.openapi import Document, document, operations
from buyside.api.requests import BASE

router = APIRouter(include_in_schema=False)


def _manual(request: Request, made: Document) -> str:
    address = request.app.state.about.public_url or str(request.base_url).rstrip("/")
    text = resources.files("buyside.api").joinpath("skill.md").read_text("utf-8")
    filled = {"base_url": address + BASE, "public_url": address, "tables": _tables(made)}
    for name, value in filled.items():
        text = text.replace("{{" + name + "}}", value)
    return text


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
