from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from buyside.cli.sandbox import command
from buyside.sandbox import endpoints
from buyside.sandbox.faults import parse


def test_it_lists_the_faults_there_are() -> None:
    result = CliRunner().invoke(command, ["--faults"])
    assert result.exit_code == 0
    assert "timeout_after_commit" in result.output


def test_a_fault_that_there_is_not_is_a_wrong_option() -> None:
    result = CliRunner().invoke(command, ["--fault", "nonsense"])
    assert result.exit_code == 2
    assert "there is no fault 'nonsense'" in result.output


@pytest.mark.parametrize("wrong", ["slow=abc", "rate_limit=nan", "slow=-1", "timeout_after_commit=soon"])
def test_a_value_that_is_no_number_is_named(wrong: str) -> None:
    result = CliRunner().invoke(command, ["--fault", wrong])
    name, _, value = wrong.partition("=")
    assert result.exit_code == 2
    assert f"{name} needs a number, 0 or more: '{value}' is none" in result.output


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("cut_after_commit", ("cut_after_commit", "", None, None)),
        ("cut_after_commit*2", ("cut_after_commit", "", None, 2)),
        ("cut_after_commit@create_media_buy*1", ("cut_after_commit", "", "create_media_buy", 1)),
        ("slow=2@get_products*3", ("slow", "2", "get_products", 3)),
        ("require_token=a*b", ("require_token", "a*b", None, None)),
    ],
)
def test_a_fault_may_be_told_where_and_how_often_it_strikes(text: str, made: tuple[object, ...]) -> None:
    shown = parse(text).doc()
    assert (shown["name"], shown["value"], shown["tool"], shown["times"]) == made


def test_a_fault_that_never_strikes_is_refused() -> None:
    assert "once or more" in CliRunner().invoke(command, ["--fault", "slow*0"]).output


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(command, ["--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "cannot listen on" in result.output


def test_the_endpoints_follow_from_the_base_url() -> None:
    assert endpoints("http://h:1/") == {"MCP": "http://h:1/mcp", "A2A": "http://h:1/a2a"}
