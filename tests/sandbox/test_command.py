from __future__ import annotations

import socket

from click.testing import CliRunner

from buyside.cli.sandbox import command
from buyside.sandbox import endpoints


def test_it_lists_the_faults_there_are() -> None:
    result = CliRunner().invoke(command, ["--faults"])
    assert result.exit_code == 0
    assert "timeout_after_commit" in result.output


def test_a_fault_that_there_is_not_is_a_wrong_option() -> None:
    result = CliRunner().invoke(command, ["--fault", "nonsense"])
    assert result.exit_code == 2
    assert "there is no fault 'nonsense'" in result.output


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(command, ["--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "cannot listen on" in result.output


def test_the_endpoints_follow_from_the_base_url() -> None:
    assert endpoints("http://h:1/") == {"MCP": "http://h:1/mcp", "A2A": "http://h:1/a2a"}
