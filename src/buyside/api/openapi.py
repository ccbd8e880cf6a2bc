"""Our own OpenAPI document: what works, and nothing else (ruling 0.11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import yaml
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from buyside.api.requests import BASE
from buyside.schemas.errors import ErrorResponse

Document = dict[str, Any]

_PUBLIC = {"/", "/health", "/openapi.json", f"{BASE}/openapi.yaml", f"{BASE}/skill.md"}
_METHODS = ("get", "post", "put", "patch", "delete")
_WRITES = ("post", "put", "patch", "delete")
_REFUSALS = {
    "400": "The request is not valid; every finding is in `error.details.issues`.",
    "401": "The API key is missing or unknown.",
    "403": "The key's role or a spending limit forbids it.",
    "404": "Nothing with this id is visible to this account.",
    "409": "The current state does not allow it.",
    "413": "The body is too large.",
    "422": "A seller or a rule refuses what was asked.",
    "429": "Too many requests; see Retry-After.",
    "500": "An error of this server; it is safe to ask again once.",
    "501": "A field of the contract that this server does not support yet.",
    "503": "Something that is needed is down; try again shortly.",
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer buyside_…`"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-scope3-api-key"},
}

_REASON = {
    "name": "X-Reason",
    "in": "header",
    "required": False,
    "description": "Why this is done; kept in the decision log beside what changed.",
    "schema": {"type": "string", "maxLength": 1000},
}

router = APIRouter(include_in_schema=False)


async def document(app: FastAPI) -> Document:
    """Made on first demand, beside the event loop, since it takes a good part of a second; then kept."""
    made: Document | None = getattr(app.state, "openapi", None)
    if made is None:
        made = app.state.openapi = await asyncio.to_thread(_make, app)
    return made


def _make(app: FastAPI) -> Document:
    made = get_openapi(
        title="buyside",
        version=app.state.about.version,
        summary="Buy-side campaign server: from brief to live media buys over AdCP.",
        description="Payloads travel bare by default, or as {data, error} with `X-Envelope: wrapped`.",
        routes=app.routes,
        servers=[{"url": app.state.about.public_url}] if app.state.about.public_url else None,
        separate_input_output_schemas=False,
    )
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    _declare(schemas)
    components["securitySchemes"] = _SECURITY
    components["responses"] = {_name(code): _refusal(text) for code, text in _REFUSALS.items()}
    for path, method, operation in operations(made):
        _complete(path, method, operation)
    return made


def _declare(schemas: Document) -> None:
    schema = ErrorResponse.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["ErrorResponse"] = schema


def operations(made: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in made["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


_FILTERED_BY_ID = {f"{BASE}/reporting/metrics", f"{BASE}/advertisers"}
"""A report of what there is not would read like one of nothing spent."""


def _complete(path: str, method: str, operation: Document) -> None:
    operation["summary"], operation["description"] = _told(operation)
    for parameter in operation.get("parameters", ()):
        parameter["schema"].pop("title", None)
    if method in _WRITES:
        operation.setdefault("parameters", []).append(_REASON)
    answers = operation["responses"]
    answers.pop("422", None)
    if path in _PUBLIC:
        operation["security"] = []
    else:
        operation["security"] = [{name: []} for name in _SECURITY]
        for code in _codes(path, method, operation):
            answers.setdefault(code, {"$ref": f"#/components/responses/{_name(code)}"})


def _codes(path: str, method: str, operation: Document) -> Iterator[str]:
    for code in _REFUSALS:
        by_id = "{" in path or path in _FILTERED_BY_ID
        writes, has_body = method in _WRITES, "requestBody" in operation
        if (code == "404" and not (by_id or has_body)) or (code == "413" and not has_body):
            continue
        if code in {"409", "422"} and not writes:
            continue
        yield code


def _told(operation: Document) -> tuple[str, str]:
    """The docstring: its first line, and all of it."""
    text: str = operation.get("description") or operation.get("summary") or ""
    return text.partition("\n")[0].rstrip("."), text


def _name(code: str) -> str:
    return f"Refusal{code}"


def _refusal(text: str) -> Document:
    headers = {
        name: {"schema": {"type": "integer"}} for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    return {"description": text, "headers": headers, "content": content}


@router.get("/openapi.json")
async def as_json(request: Request) -> Response:
    made = await document(request.app)
    return Response(json.dumps(made, ensure_ascii=False), media_type="application/json")


@router.get(f"{BASE}/openapi.yaml")
async def as_yaml(request: Request) -> Response:
    state = request.app.state
    if getattr(state, "openapi_yaml", None) is None:
        state.openapi_yaml = await asyncio.to_thread(_yaml, await document(request.app))
    return Response(state.openapi_yaml, media_type="application/yaml")


def _yaml(made: Document) -> str:
    # Plain copies: the anchors that YAML writes for shared parts confuse generators.
    plain = json.loads(json.dumps(made))
    text: str = yaml.dump(plain, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    return text
