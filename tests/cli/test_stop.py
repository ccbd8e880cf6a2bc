"""`buyside stop` against a real server process, and what it says when there is none."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from buyside.cli import group
from buyside.client import Client, ClientError, Refused, Unheard, stops
from buyside.domain.accounts import Role
from buyside.services import accounts
from buyside.store.database import Database
from tests.builders import SECRET, World, a_seller, a_world
from tests.sandbox_server import SandboxHandle, sandbox
from tests.server import a_server
from tests.services.test_stops import a_live_one

WHY = ("--reason", "The client's site is down.")


@dataclass
class Shell:
    """Somebody at a shell, with the server's address and a key in the environment."""

    env: Mapping[str, str]
    north: SandboxHandle
    world: World

    async def run(self, *words: str, **env: str) -> Result:
        return await asyncio.to_thread(
            CliRunner().invoke, group, ["stop", *words], prog_name="buyside", env={**self.env, **env}
        )


@pytest.fixture
async def shell(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Shell]:
    settings = {
        "BUYSIDE_DATABASE_URL": database_url,
        "BUYSIDE_DATA_DIR": str(tmp_path),
        "BUYSIDE_SECRET_KEY": SECRET.decode(),
        "BUYSIDE_ALLOW_PRIVATE_ENDPOINTS": "true",
        # The client takes either; each is tried on one of the two stores.
        "BUYSIDE_ENVELOPE": "wrapped" if database_url.startswith("postgresql") else "bare",
    }
    async with sandbox("North") as north, a_world(database) as world, a_server(settings, tmp_path / "log") as server:
        seller = await a_seller(world, north.mcp_url)
        await a_live_one(world, (north, seller))
        made = await accounts.create_key(world.work(), "ops", Role.MEMBER)
        yield Shell({"BUYSIDE_URL": server.url, "BUYSIDE_API_KEY": made.text}, north, world)


async def test_a_shell_stops_everything_looks_and_undoes_it(shell: Shell) -> None:
    shown = await shell.run(*WHY, "--preview")
    assert (shown.exit_code, "update_media_buy" in shown.output, "Nothing was done" in shown.output) == (0, True, True)
    assert [b["status"] for b in await shell.north.buys()] == ["active"]
    await shell.north.set_faults("refuse_update")
    refused = await shell.run(*WHY, "--json")
    told = json.loads(refused.stdout)
    assert (refused.exit_code, told["paused"], len(told["refused"])) == (3, [], 1)
    assert set(told) >= {"stopId", "paused", "refused"}
    await shell.north.clear_faults("refuse_update")
    undone = await shell.run("undo", told["stopId"])
    assert (undone.exit_code, "is undone for the whole account" in undone.output) == (0, True)
    done = await shell.run(*WHY)
    assert (done.exit_code, "1 paused, 0 held, 0 refused" in done.output) == (0, True)
    assert [b["status"] for b in await shell.north.buys()] == ["paused"]
    rows = json.loads((await shell.run("list", "--json")).stdout)
    assert [row["status"] for row in rows] == ["standing", "undone"]
    assert "stands  the whole account" in (await shell.run("list")).output
    stop_id = rows[0]["stopId"]
    assert (await shell.run("show", stop_id)).exit_code == 0
    back = await shell.run("undo", stop_id, "--preview", "--json")
    assert [o["arguments"]["paused"] for o in json.loads(back.stdout)["operations"]] == [False]
    undone = await shell.run("undo", stop_id, "--reason", "It is up again.")
    assert (undone.exit_code, "1 resumed" in undone.output) == (0, True)
    assert [b["status"] for b in await shell.north.buys()] == ["active"]
    again = await shell.run("undo", stop_id)
    assert (again.exit_code, again.stderr.startswith("Error: CONFLICT: ")) == (1, True)
    foreign = await shell.run(*WHY, "--storefront", "99999")
    assert (foreign.exit_code, "NOT_FOUND" in foreign.stderr) == (1, True)
    assert shell.env["BUYSIDE_API_KEY"] not in refused.output + done.output + again.output
    wrong = await shell.run(*WHY, BUYSIDE_API_KEY="buyside_1_wrong")
    assert (wrong.exit_code, "UNAUTHORIZED" in wrong.stderr, "buyside_1_wrong" in wrong.output) == (1, True, False)


def said(*words: str, **env: str) -> Result:
    return CliRunner().invoke(group, ["stop", *words], prog_name="buyside", env={"BUYSIDE_API_KEY": "k", **env})


class TestWithoutAServer:
    def test_why_and_a_key_are_asked_for(self) -> None:
        assert (said().exit_code, "--reason" in said().stderr) == (2, True)
        nobody = said(*WHY, BUYSIDE_API_KEY="")
        assert (nobody.exit_code, "BUYSIDE_API_KEY" in nobody.stderr) == (2, True)
        assert said("--json", "undo", "stop_1").exit_code == 2

    def test_a_server_that_is_not_there_is_named_in_one_line(self) -> None:
        gone = said(*WHY, BUYSIDE_URL="http://127.0.0.1:9")
        assert (gone.exit_code, gone.stderr.count("\n")) == (1, 1)
        assert "http://127.0.0.1:9" in gone.stderr

    def test_help_shows_examples_and_exit_codes_and_loads_no_client(self) -> None:
        shown = said("--help").output
        assert "buyside stop undo" in shown
        assert "Exits 0" in shown
        code = (
            "import sys; from buyside.cli import group; group(['stop', '--help'], standalone_mode=False);"
            "sys.exit(', '.join({'httpx', 'pydantic', 'sqlalchemy'} & set(sys.modules)) or 0)"
        )
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def answering(status: int, **content: object) -> Client:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, **content)  # type: ignore[arg-type]

    return Client("http://server.example", "secret-key", transport=httpx.MockTransport(answer))


class TestClient:
    def test_a_refusal_says_what_and_where(self) -> None:
        error = {"code": "VALIDATION_ERROR", "message": "No.", "field": "reason", "details": {"recovery": "terminal"}}
        with answering(400, json={"data": None, "error": error}) as client, pytest.raises(Refused) as refused:
            stops.make(client, "why")
        said = refused.value
        assert (said.status, said.code, said.message, said.field) == (400, "VALIDATION_ERROR", "No.", "reason")
        assert said.details == {"recovery": "terminal"}

    @pytest.mark.parametrize(
        ("status", "content"),
        [(502, {"text": "<html>Bad gateway</html>"}), (200, {"json": []}), (500, {"json": {"detail": "x"}})],
    )
    def test_whoever_is_no_buyside_server_is_said_to_be_none(self, status: int, content: dict[str, object]) -> None:
        with answering(status, **content) as client, pytest.raises(Unheard, match="not as a buyside server does"):
            stops.newest(client)

    @pytest.mark.parametrize(
        ("failure", "said"),
        [
            (httpx.ReadTimeout, "may have been done"),
            (httpx.ConnectTimeout, "No connection"),
            (httpx.ConnectError, "is the server running"),
            (httpx.RemoteProtocolError, "was cut"),
        ],
    )
    def test_a_failure_is_told_in_words_without_the_key(self, failure: type[httpx.HTTPError], said: str) -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            raise failure(f"told in other words: {request.headers['authorization']}")

        client = Client("http://server.example", "secret-key", transport=httpx.MockTransport(fail))
        with client, pytest.raises(Unheard, match=said) as error:
            stops.get(client, "stop_1")
        assert "secret-key" not in f"{error.value!r} {client!r}"
        assert error.value.__cause__ is None

    @pytest.mark.parametrize(
        ("url", "key"), [("ftp://x", "k"), ("http://user:pw@host", "k"), ("http://host", "a b"), ("http://host", "k\n")]
    )
    def test_an_address_or_a_key_that_cannot_be_is_refused_before_anything_is_sent(self, url: str, key: str) -> None:
        with pytest.raises(ClientError) as error:
            Client(url, key)
        assert "pw" not in str(error.value)
