"""What every process of ours has: a log without secrets, and a lock that one holds."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from buyside.bootstrap.composition import CannotStart
from buyside.bootstrap.process import _Redacting, alone, bound


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"key buyside_12_{'x' * 43} came", "key buyside_12_•••••• came"),
        ("Authorization: Bearer abcdefgh.ijkl-mnop", "Authorization: Bearer ••••••"),
        ("authorization: basic dXNlcjpwYXNz==", "authorization: basic ••••••"),
        ("the bearer of news", "the bearer of news"),
    ],
)
def test_no_key_stands_in_a_line_of_the_log(text: str, kept: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), None)
    assert _Redacting("%(message)s").format(record) == kept


def test_what_a_seller_says_makes_no_line_and_no_colour_of_its_own() -> None:
    said = "done\r\nERROR a line that nobody logged \x1b[31mred\x1b[0m \x00\x85\u2028end"
    record = logging.LogRecord("x", logging.INFO, "", 0, "seller says %s", (said,), None)
    first, *more = _Redacting("%(message)s").format(record).split("\n")
    assert first == "seller says done"
    assert all(line.startswith("    ") for line in more)
    assert not any(ord(letter) < 32 or letter in "\x85\u2028" for line in (first, *more) for letter in line)


def test_one_holds_the_lock_and_the_next_gets_it_afterwards(tmp_path: Path) -> None:
    with alone(tmp_path / "lock") as first:
        assert first
        with alone(tmp_path / "lock") as second:
            assert not second
    with alone(tmp_path / "lock") as third:
        assert third


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1"), bound("192.0.2.1", 0):
        pass
