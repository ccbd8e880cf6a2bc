"""The curl lines that the demo prints do what they say, when they are pasted."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.server import a_server

ROOT = Path(__file__).parents[2]
IN_TIME = 60

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
async def test_the_lines_lead_from_a_brief_to_delivery(tmp_path: Path) -> None:
    settings = {"BUYSIDE_DATA_DIR": str(tmp_path / "data")}
    async with a_server(settings, tmp_path / "log", "--sandbox") as server:
        # Nothing but the addresses differs from what is printed.
        lines = (ROOT / "demo" / "by_hand.sh").read_text()
        for printed, here in (
            ("http://127.0.0.1:8080", server.url),
            (".venv/bin/buyside", f"{sys.executable} -m buyside"),
            ("python3 -c", f"{sys.executable} -c"),
        ):
            assert printed in lines
            lines = lines.replace(printed, here)
        shell = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", lines, stdout=PIPE, stderr=STDOUT, env={**settings, "PATH": _path()}
        )
        async with asyncio.timeout(IN_TIME):
            output = (await shell.communicate())[0].decode()
    assert shell.returncode == 0, output
    said = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert not [answer for answer in said if answer.get("error")], output
    (executed,) = (answer for answer in said if "mediaBuysExecuted" in answer)
    assert executed["success"] is True
    assert executed["mediaBuysExecuted"] == 2
    (standing,) = (answer for answer in said if "campaign_status" in answer)
    assert [buy["adcp_status"] for buy in standing["media_buys"]] == ["active", "active"]
    deliveries = [package["delivery"] for answer in said for package in answer.get("packages", ())]
    assert len(deliveries) == 2
    assert all(delivery["impressions"] > 0 and delivery["spend"] > 0 for delivery in deliveries)
    assert [answer["newStatus"] for answer in said if "mediaBuyResults" in answer] == ["PAUSED", "ACTIVE"]
    reasons = {entry.get("reason") for answer in said for entry in answer.get("decisions", ())}
    assert {"approved by the client", "checking the landing page", "the landing page is fine"} <= reasons


def _path() -> str:
    """Where curl and bash are, and nothing of this environment's."""
    found = (Path(str(shutil.which(name))).parent for name in ("curl", "bash"))
    return ":".join(map(str, dict.fromkeys(found)))
