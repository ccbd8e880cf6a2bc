"""`make demo`: it holds, it leaves nothing behind, and it says what did not hold."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest

from demo.__main__ import show
from demo.checks import Failed
from demo.journey import Journey
from demo.screen import Screen
from demo.server import _running, serving

ROOT = Path(__file__).parents[2]
IN_TIME = 120

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """A run in the background may have been told to ignore Ctrl-C, and what it starts would, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def a_hostile_environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a user's own server, no home, and a folder for temporary files that can be looked into."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_DATA_HOME", "TERM")}
    mine = {
        "BUYSIDE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "BUYSIDE_DATA_DIR": str(tmp_path / "mine"),
        "BUYSIDE_ENVELOPE": "wrapped",
        "BUYSIDE_SECRET_KEY": "mine, of 32 characters and more.",
        "http_proxy": "http://127.0.0.1:1",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    return {**kept, **mine}


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answers(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_every_step_holds_and_nothing_of_the_users_is_touched(tmp_path: Path) -> None:
    with start(a_hostile_environment(tmp_path)) as running:
        output, _ = running.communicate(timeout=IN_TIME)
    assert running.returncode == 0, output
    assert re.search(r"\d+ checks held in", output)
    assert "ACTIVE" in output
    assert "campaign.executed" in output
    assert (ROOT / "demo" / "by_hand.sh").read_text() in output
    assert "\x1b" not in output, "plain lines where there is no terminal"
    assert not (tmp_path / "mine").exists()
    assert list((tmp_path / "tmp").rglob("*")) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_takes_its_server_with_it(tmp_path: Path, how: signal.Signals) -> None:
    with start(a_hostile_environment(tmp_path)) as running:
        assert running.stdout is not None
        url = re.search(r"http://127\.0\.0\.1:\d+", running.stdout.readline())
        assert url is not None
        assert answers(url[0])
        running.send_signal(how)
        output, _ = running.communicate(timeout=IN_TIME)
    assert running.returncode == 130, output
    assert not answers(url[0])
    assert list((tmp_path / "tmp").rglob("*")) == []


def test_a_stop_in_the_middle_of_starting_a_process_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **how: Any) -> None:
            super().__init__(*args, **how)
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with (
        pytest.raises(KeyboardInterrupt),
        _running([sys.executable, "-c", f"import time; time.sleep({IN_TIME})"], tmp_path, DEVNULL, DEVNULL),
    ):
        raise AssertionError("it went on")
    assert [each.returncode for each in started] == [-signal.SIGTERM]


def test_what_fails_comes_with_the_last_that_the_server_logged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(journey: Journey) -> str:
        (log,) = tmp_path.glob("buyside-demo-*/server.log")
        log.write_text("\n".join(f"line {number}" for number in range(100)))
        journey.checks(False, "the moon is made of cheese")
        raise AssertionError("it went on")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Journey, "steps", lambda journey: [("Look up", lambda: fail(journey))])
    shown = io.StringIO()
    assert show(Screen(shown)) == 1
    output = shown.getvalue()
    assert "FAILED Look up" in output
    assert "does not hold: the moon is made of cheese" in output
    assert output.endswith("line 98\nline 99\n")
    assert "line 74\n" not in output
    url = re.search(r"http://127\.0\.0\.1:\d+", output)
    assert url is not None
    assert not answers(url[0])


def test_a_server_that_does_not_come_up_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.server._command", lambda *_: [sys.executable, "-c", "raise SystemExit('no such luck')"])
    with pytest.raises(Failed, match="exit code 1") as failed, serving(Screen(io.StringIO())):
        raise AssertionError("there is no server")
    assert failed.value.log == "no such luck"
