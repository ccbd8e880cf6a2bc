"""The recorder itself: what our document does not describe does not pass it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.recording import BASE, Census, Described

THING = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "more": {"$ref": "#/x"}},
    "required": ["id"],
}
DOCUMENT: dict[str, Any] = {
    "x": {"type": "object", "additionalProperties": True},
    "paths": {
        f"{BASE}/things/{{thingId}}": {
            "get": {
                "operationId": "getThing",
                "responses": {
                    "200": {"content": {"application/json": {"schema": THING}}},
                    "404": {"content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}}},
                },
            },
            "delete": {"operationId": "deleteThing", "responses": {"204": {}}},
        },
        f"{BASE}/things/all": {
            "get": {
                "operationId": "listThings",
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}},
            }
        },
    },
}


@pytest.fixture
def census() -> Census:
    made = Census()
    made.__dict__["described"] = Described(DOCUMENT)
    return made


@pytest.mark.parametrize(
    "body",
    [
        {"id": "1"},
        {"id": "1", "at": "2031-01-01T00:00:00.5Z", "more": {"anything": 1}},
        {"data": {"id": "1"}, "error": None},
    ],
)
def test_what_is_described_passes_and_is_counted(census: Census, body: object) -> None:
    census.take("GET", f"{BASE}/things/1", 200, json.dumps(body).encode())
    assert (dict(census.bodies), census.problems) == ({"getThing": 1}, [])


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "things/1", 200, {}),
        ("GET", "things/1", 200, {"id": 1}),
        ("GET", "things/1", 200, {"id": "1", "color": "red"}),
        ("GET", "things/1", 200, {"id": "1", "at": "2031-01-01T00:00:00+00:00"}),
        ("GET", "things/1", 200, {"id": "1", "at": None}),
        ("GET", "things/1", 200, {"data": {"id": "1", "color": "red"}, "error": None}),
        ("GET", "things/1", 200, {"data": {"id": "1"}, "error": None, "extra": 1}),
        ("GET", "things/1", 201, {"id": "1"}),
        ("GET", "things/1", 404, {}),
        ("GET", "things/1", 500, {"error": {}}),
        ("GET", "things/all", 200, {"id": "1"}),
        ("GET", "things", 200, {"id": "1"}),
        ("POST", "things/1", 200, {"id": "1"}),
        ("DELETE", "things/1", 204, {"id": "1"}),
    ],
)
def test_what_is_not_described_fails_as_it_arrives(
    census: Census, method: str, path: str, status: int, body: object
) -> None:
    with pytest.raises(AssertionError):
        census.take(method, f"{BASE}/{path}", status, json.dumps(body).encode())


def test_other_addresses_of_an_operation_are_that_operation(census: Census) -> None:
    census.take("GET", "/api/buyer/things/1", 200, b'{"id": "1"}')
    census.take("DELETE", f"{BASE}/things/1", 204, b"")
    assert dict(census.bodies) == {"getThing": 1, "deleteThing": 1}


def test_what_another_process_received_counts_as_received(census: Census) -> None:
    census.take("GET", f"{BASE}/things/1", 200, b'{"id": "1"}')
    other = Census()
    other.merge(json.loads(json.dumps(census.state())))
    assert other.state() == census.state()
