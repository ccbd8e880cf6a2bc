"""JSON as it comes and as it leaves."""

from __future__ import annotations

import contextlib
import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.connectors.adcp.reading import amount, count, instant, number, text
from buyside.connectors.adcp.sse import EventReader
from buyside.connectors.adcp.wire import Exact, Unreadable, decimal, freeze, loads


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":null,"b":[null,1,{"c":null}]}', {"b": [1, {}]}),
        (b'{"a":NaN,"b":Infinity,"c":-Infinity,"d":1e999}', {}),
        (b'{"a":"x\\u0000y","b\\u0000":"\\ud800"}', {"a": "x�y", "b�": "�"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    ],
)
def test_what_no_store_takes_is_mended(body: bytes, expected: Any) -> None:
    assert loads(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[" * 200 + b"]" * 200,
        b"1" * 10_000,
        b'{"a":' * 150 + b"1" + b"}" * 150,
    ],
)
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        loads(body)


def test_numbers_keep_their_digits_and_stay_json() -> None:
    data = loads(b'{"budget":1000000000000.000001,"rate":0.1}')
    assert decimal(data["budget"]) == Decimal("1000000000000.000001")
    assert amount(data, "rate") == Decimal("0.1")
    assert json.loads(json.dumps(data)) == data
    assert isinstance(data["rate"], float)


def test_frozen_bytes_are_canonical_and_exact() -> None:
    one = {"b": Decimal("10.50"), "a": [1, True, None, "é"], "c": {"z": 0.1, "y": None}}
    other = dict(reversed(one.items()))
    assert freeze(one) == freeze(other) == b'{"a":[1,true,"\\u00e9"],"b":10.5,"c":{"z":0.1}}'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1E+3"), b"1000"),
        (Decimal("0.000001"), b"0.000001"),
        (Decimal("100"), b"100"),
        (Decimal("0.00"), b"0"),
        (1e22, b"10000000000000000000000"),
        (Exact("12.340"), b"12.34"),
        (2**60, b"1152921504606846976"),
    ],
)
def test_no_amount_is_written_as_a_float(value: Any, written: bytes) -> None:
    assert freeze(value) == written


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_a_decimal_comes_back_as_it_went(value: Decimal) -> None:
    assert number(loads(freeze({"v": value})), "v") == value


trees = st.recursive(
    st.booleans() | st.integers() | st.text() | st.floats(-1e15, 1e15).map(lambda number: round(number, 9)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_freezing_twice_gives_the_same_bytes(tree: Any) -> None:
    assert freeze(loads(freeze(tree))) == freeze(tree)


@given(st.binary(max_size=60))
def test_reading_never_fails_otherwise(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        loads(body)


@pytest.mark.parametrize("wrong", [None, True, [], {}, "x", float("inf"), "NaN", "1e999", 10**20, -1])
def test_a_value_of_the_wrong_kind_counts_as_not_said(wrong: Any) -> None:
    assert amount({"v": wrong}, "v") is None
    assert count({"v": wrong}, "v") is None


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", None),
        ("tomorrow", None),
        (5, None),
    ],
)
def test_times_are_read_as_utc(said: Any, taken: str | None) -> None:
    found = instant({"t": said}, "t")
    assert (found.isoformat() if found else None) == taken


def test_numbers_that_stand_for_ids_are_text() -> None:
    assert text({"id": 7}, "id") == "7"
    assert text({"id": True}, "id") is None
    assert text({"a": "", "b": "x"}, "a", "b") == "x"


STREAM = b': hello\r\nevent: message\r\nid: 1\r\ndata: {"a":\r\ndata:  1}\r\n\r\nretry: 5\n\ndata: two\n\n'


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_events_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    reader, events = EventReader(), []
    for start, end in itertools.pairwise(edges):
        events += reader.feed(STREAM[start:end])
    assert events == [b'{"a":\n 1}', b"two"]


def test_an_event_without_its_blank_line_is_read_at_the_end() -> None:
    reader = EventReader()
    assert reader.feed(b"data: one\n") == []
    assert reader.rest() == [b"one"]
