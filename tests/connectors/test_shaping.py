"""Arguments are cut to what a seller's tool takes, and what was cut is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.connectors.adcp.shaping import shape_of, shaped
from buyside.domain.storefronts import Protocol, SellerProfile, Shape

TEXT = {"type": "string"}


def obj(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


ARGUMENTS = {"a": 1, "b": {"c": 1, "d": 2}, "e": [{"f": 1, "g": 2}, {"f": 3}]}


@pytest.mark.parametrize(
    ("schema", "kept", "lost"),
    [
        (obj({"a": TEXT}), {"a": 1}, ["b", "e"]),
        (obj({"a": TEXT}, additionalProperties=False), {"a": 1}, ["b", "e"]),
        (obj({"a": TEXT}, additionalProperties=True), ARGUMENTS, []),
        (obj({"a": TEXT}, additionalProperties={}), ARGUMENTS, []),
        (obj({}), ARGUMENTS, []),
        ({"type": "object"}, ARGUMENTS, []),
        ({}, ARGUMENTS, []),
        (None, ARGUMENTS, []),
        ("nonsense", ARGUMENTS, []),
        (obj({"b": obj({"c": TEXT})}), {"b": {"c": 1, "d": 2}}, ["a", "e"]),
        (obj({"b": obj({"c": TEXT}, additionalProperties=False)}), {"b": {"c": 1}}, ["a", "b.d", "e"]),
        (
            obj({"e": {"type": "array", "items": obj({"f": TEXT}, additionalProperties=False)}}),
            {"e": [{"f": 1}, {"f": 3}]},
            ["a", "b", "e[0].g"],
        ),
        (
            obj({"b": {"$ref": "#/$defs/B"}}, **{"$defs": {"B": obj({"c": TEXT}, additionalProperties=False)}}),
            {"b": {"c": 1}},
            ["a", "b.d", "e"],
        ),
        (
            obj({"b": {"anyOf": [obj({"c": TEXT}, additionalProperties=False), {"type": "null"}]}}),
            {"b": {"c": 1}},
            ["a", "b.d", "e"],
        ),
        (
            obj(
                {
                    "b": {
                        "oneOf": [
                            obj({"c": TEXT}, additionalProperties=False),
                            obj({"d": TEXT}, additionalProperties=False),
                        ]
                    }
                }
            ),
            {"b": {"c": 1, "d": 2}},
            ["a", "e"],
        ),
        (
            obj({"b": {"oneOf": [obj({"c": TEXT}, additionalProperties=False), obj({"x": TEXT})]}}),
            {"b": {"c": 1, "d": 2}},
            ["a", "e"],
        ),
        (obj({"a": TEXT}, allOf=[obj({"b": TEXT})]), {"a": 1, "b": {"c": 1, "d": 2}}, ["e"]),
    ],
)
def test_only_what_is_taken_is_sent(schema: Any, kept: dict[str, Any], lost: list[str]) -> None:
    sent, dropped = shaped("get_products", ARGUMENTS, shape_of(schema))
    assert sent == kept
    assert [each.path for each in dropped] == lost


def test_nulls_never_leave() -> None:
    sent, dropped = shaped("x", {"a": None, "b": {"c": None}, "d": [None, 1]}, None)
    assert (sent, dropped) == ({"b": {}, "d": [1]}, ())


def test_circular_references_end() -> None:
    schema = obj({"b": {"$ref": "#/$defs/N"}}, **{"$defs": {"N": obj({"n": {"$ref": "#/$defs/N"}})}})
    loop = obj({"b": {"$ref": "#/$defs/L"}}, **{"$defs": {"L": {"$ref": "#/$defs/L"}}})
    assert shaped("x", ARGUMENTS, shape_of(schema))[0] == {"b": {"c": 1, "d": 2}}
    assert shaped("x", ARGUMENTS, shape_of(loop))[0] == {"b": {"c": 1, "d": 2}}


def test_a_schema_that_explodes_is_read_only_so_far() -> None:
    defs = {f"N{i}": {"anyOf": [{"$ref": f"#/$defs/N{i + 1}"}] * 8} for i in range(30)}
    assert shape_of(obj({"b": {"$ref": "#/$defs/N0"}}, **{"$defs": {**defs, "N30": obj({"c": TEXT})}})).closed


def test_shapes_stay_small_where_nothing_below_is_closed() -> None:
    deep = obj({"packages": {"type": "array", "items": obj({"budget": TEXT, "targeting": obj({"geo": TEXT})})}})
    assert shape_of(deep) == Shape({"packages": None}, closed=True)


def test_a_profile_answers_what_would_be_taken() -> None:
    schema = obj({"packages": {"type": "array", "items": obj({"paused": TEXT}, additionalProperties=False)}})
    profile = SellerProfile(Protocol.MCP, "https://s.example/mcp", "1", tools={"create_media_buy": shape_of(schema)})
    assert profile.takes("create_media_buy", "packages", "paused")
    assert not profile.takes("create_media_buy", "packages", "bid_price")
    assert not profile.takes("create_media_buy", "paused")
    assert not profile.takes("update_media_buy")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "items", "$ref"]), inner),
    max_leaves=12,
)
schema_words = st.sampled_from(
    ["properties", "items", "anyOf", "oneOf", "allOf", "$ref", "type", "additionalProperties", "#", "$defs", "a", "b"]
)
hostile_schemas = st.recursive(
    json_values | st.sampled_from(["#", "#/properties/a", "#/$defs/a", "object"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(schema_words, inner, max_size=5),
    max_leaves=25,
)


@given(hostile_schemas, st.dictionaries(st.sampled_from("abc"), json_values))
def test_no_schema_makes_shaping_fail(schema: Any, arguments: dict[str, Any]) -> None:
    sent, dropped = shaped("x", arguments, shape_of(schema))
    assert set(sent) <= set(arguments)
    assert all(each.path for each in dropped)
