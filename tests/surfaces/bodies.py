"""The least body that a schema of our document takes, for tests that are generated from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from buyside.domain.qualified import product_key
from tests.recording import Operation

Schema = Mapping[str, Any]
Step = str | int

BY_NAME = {
    "startDate": "2031-05-01",
    "endDate": "2031-05-31",
    "currency": "USD",
    "primaryCurrency": "USD",
    "brand": "acme.example",
    "endpointUrl": "https://seller.invalid/mcp",
}


def batch(ids: Mapping[str, Any]) -> Any:
    key = product_key(ids["storefrontId"], ids["salesAgentId"], ids["productId"])
    return {
        "productQueryId": ids["productQueryId"],
        "campaign": {"campaignId": ids["campaignId"]},
        "mode": "stage",
        "selections": [{"kind": "product", "productId": key}],
    }


def query(ids: Mapping[str, Any]) -> Any:
    return {"buying_mode": "wholesale", "ext": {"interchange": {"advertiser_id": ids["advertiserId"]}}}


BODIES: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "updateCampaign": lambda _: {"name": "Other"},
    "registerSourceCredentials": lambda _: {"accountIdentifier": "a", "auth": {"type": "bearer", "token": "t"}},
    "createMediaBuysBatch": batch,
    "getMarketplaceProducts": query,
}
"""Where the least body is refused for a rule that no schema can say."""


def schema_of(operation: Operation) -> Schema:
    """Of the body that it takes."""
    found: Schema = next(iter(operation.doc["requestBody"]["content"].values()))["schema"]
    return found


class Bodies:
    """`ids`: values for properties that name something, by the property's name."""

    def __init__(self, document: Schema, ids: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._ids = ids

    def good(self, operation: Operation, ids: Mapping[str, Any]) -> Any:
        """A body that the operation takes."""
        return BODIES[operation.id](ids) if operation.id in BODIES else self.least(schema_of(operation))

    def least(self, schema: Schema, name: str = "") -> Any:
        schema = self._resolved(schema)
        if name in self._ids:
            return self._fitted(schema, self._ids[name])
        if name in BY_NAME:
            return BY_NAME[name]
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        return _SIMPLEST[schema.get("type", "object")](self, schema)

    def _resolved(self, schema: Schema) -> Schema:
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                schema = next(each for each in options if each.get("type") != "null")
            else:
                return schema

    def _fitted(self, schema: Schema, value: Any) -> Any:
        """An id in the form that the schema gives it: numbers are text in some places."""
        if schema.get("type") == "array":
            return [self._fitted(self._resolved(schema["items"]), value)]
        return {"string": str, "integer": int}.get(schema.get("type", ""), _as_is)(value)

    def _object(self, schema: Schema) -> Any:
        properties = schema.get("properties", {})
        return {name: self.least(properties[name], name) for name in schema.get("required", ())}

    def _array(self, schema: Schema) -> Any:
        return [self.least(schema["items"]) for _ in range(schema.get("minItems", 0))]

    def _string(self, schema: Schema) -> Any:
        return "x" * max(1, schema.get("minLength", 1))

    def _number(self, schema: Schema) -> Any:
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)

    def _boolean(self, schema: Schema) -> Any:
        return False

    def named(self, schema: Schema, walked: tuple[str, ...] = (), seen: frozenset[str] = frozenset()) -> Iterator[Any]:
        """The places below a schema where one of the ids may stand: ("limits", "[]", "keyId")."""
        for option in self._options(schema):
            reference = option.get("$ref", "")
            if reference in seen:
                continue
            below, option = seen | {reference} - {""}, self._resolved(option)
            if "items" in option:
                yield from self.named(option["items"], (*walked, "[]"), below)
            for name, inner in (option.get("properties") or {}).items():
                if name in self._ids:
                    yield (*walked, name)
                else:
                    yield from self.named(inner, (*walked, name), below)

    def _options(self, schema: Schema) -> list[Schema]:
        return list(schema.get("anyOf") or schema.get("oneOf") or [schema])

    def put(self, schema: Schema, body: Any, place: tuple[str, ...], value: Any) -> Any:
        """The body with a value at a place, the way to it made of least bodies."""
        schema = self._resolved(schema)
        if not place:
            return self._fitted(schema, value)
        step, rest = place[0], place[1:]
        if step == "[]":
            inner = body[0] if body else self.least(schema["items"])
            return [self.put(schema["items"], inner, rest, value)]
        below = schema["properties"][step]
        start = body.get(step, self.least(below)) if rest else None
        return {**body, step: self.put(below, start, rest, value)}


def _as_is(value: Any) -> Any:
    return value


_SIMPLEST = {
    "object": Bodies._object,
    "array": Bodies._array,
    "string": Bodies._string,
    "integer": Bodies._number,
    "number": Bodies._number,
    "boolean": Bodies._boolean,
}


def told(status: int, text: str, name: object) -> tuple[int, str]:
    """An answer without the id that was asked about. A count may happen to be written like a short one."""
    counted = re.sub(r'"revision":\d+', '"revision":<n>', text)
    return status, re.sub(rf"(?<![\w-]){re.escape(str(name))}(?![\w-])", "<id>", counted)
