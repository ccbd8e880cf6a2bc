"""What a user types at the machine: keys, settings, migrate, doctor, and one line when something is wrong."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buyside.cli import COMMANDS, group
from buyside.cli.stop import KEY_VARIABLE, URL_VARIABLE
from buyside.settings import OF_CALLERS
from tests.stores import PostgreSQLStores

MINE, ANOTHER = "mine, of 32 characters and more.", "another one, as long as the first."
KEY = re.compile(r"buyside_[1-9]\d*_[0-9A-Za-z]{43}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUYSIDE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*words: str) -> Result:
    result = CliRunner().invoke(group, words, prog_name="buyside")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def one_line(result: Result) -> str:
    """The refusal. No stack, no second line."""
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


class TestHelp:
    def test_every_command_is_listed_and_has_help_of_its_own(self) -> None:
        shown = run("--help").output
        for name, summary in COMMANDS.items():
            assert name in shown
            assert summary.split(".")[0][:30] in shown
            assert run(name, "--help").exit_code == 0

    def test_help_loads_nothing_heavy(self) -> None:
        code = (
            "import sys; from buyside.cli import group; group(['--help'], standalone_mode=False);"
            "heavy = {'sqlalchemy', 'fastapi', 'pydantic', 'httpx', 'alembic', 'uvicorn'} & set(sys.modules);"
            "sys.exit(', '.join(heavy) or 0)"
        )
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)

    def test_the_version_is_the_packages(self) -> None:
        assert re.fullmatch(r"buyside \d+\.\d+\.\d+\n", run("--version").output)

    def test_a_command_that_there_is_not_says_so(self) -> None:
        assert "No such command" in run("nonsense").stderr


class TestKeys:
    def test_the_first_key_makes_store_account_and_key_file(self, folder: Path) -> None:
        made = json.loads(run("keys", "create", "--account", "Acme", "--json").stdout)
        assert set(made) == {"apiKey", "customerId"}
        assert KEY.fullmatch(made["apiKey"])
        assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
        again = json.loads(run("keys", "create", "--account", "Acme", "--role", "MEMBER", "--json").stdout)
        assert again["customerId"] == made["customerId"]
        assert again["apiKey"] != made["apiKey"]

    def test_only_the_key_stands_on_standard_output(self, folder: Path) -> None:
        result = run("keys", "create", "--account", "Acme")
        assert KEY.fullmatch(result.stdout.strip())
        assert "shown only now" in result.stderr
        assert "There was no account 'Acme': it has been made." in result.stderr
        assert "There was no account" not in run("keys", "create", "--account", "Acme").stderr

    def test_keys_are_listed_without_what_opens_and_revoked_by_number(self, folder: Path) -> None:
        key = run("keys", "create", "--account", "Acme", "--name", "ops").stdout.strip()
        run("keys", "create", "--account", "Other")
        rows = json.loads(run("keys", "list", "--json").stdout)
        assert [(row["account"], row["name"]) for row in rows] == [("Acme", "ops"), ("Other", "admin key")]
        shown = run("keys", "list", "--account", "Acme").stdout
        assert "in use" in shown
        assert key not in shown
        assert "revoked" in run("keys", "revoke", str(rows[0]["id"]), "--account", "Acme").stdout
        assert "revoked" in run("keys", "list", "--account", "Acme").stdout

    def test_a_key_of_another_account_is_not_revoked(self, folder: Path) -> None:
        for account in ("Acme", "Other"):
            run("keys", "create", "--account", account)
        assert "no API key 1" in one_line(run("keys", "revoke", "1", "--account", "Other"))
        assert "no account" in one_line(run("keys", "list", "--account", "Nobody"))
        assert "1 to 255" in one_line(run("keys", "create", "--account", "x" * 256))

    def test_a_lost_key_file_is_asked_for_and_not_replaced(self, folder: Path) -> None:
        run("keys", "create", "--account", "Acme")
        (folder / "secret.key").rename(folder / "elsewhere")
        said = one_line(run("keys", "create", "--account", "Acme"))
        assert str(folder / "secret.key") in said
        assert not (folder / "secret.key").exists()
        (folder / "elsewhere").rename(folder / "secret.key")
        assert run("keys", "list").exit_code == 0

    def test_the_wrong_key_opens_nothing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run("keys", "create", "--account", "Acme")
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", ANOTHER)
        said = one_line(run("keys", "create", "--account", "Acme"))
        assert "BUYSIDE_SECRET_KEY" in said
        assert ANOTHER not in said

    def test_a_key_that_can_be_guessed_is_refused(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", "hunter2")
        for words in (("serve", "--port", "0"), ("worker",), ("keys", "create", "--account", "Acme")):
            said = one_line(run(*words))
            assert "BUYSIDE_SECRET_KEY: should have at least 32 characters" in said
            assert "hunter2" not in said
        assert not folder.exists()

    def test_a_key_in_the_environment_needs_no_file(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", MINE)
        assert run("keys", "create", "--account", "Acme").exit_code == 0
        assert not (folder / "secret.key").exists()


class TestPostgreSQL:
    def test_nothing_starts_without_a_secret_key(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, postgresql_stores: PostgreSQLStores
    ) -> None:
        with postgresql_stores.fresh() as url:
            monkeypatch.setenv("BUYSIDE_DATABASE_URL", url)
            for words in (("serve", "--port", "0"), ("worker",), ("keys", "create", "--account", "Acme")):
                assert "BUYSIDE_SECRET_KEY" in one_line(run(*words))
            assert not (folder / "secret.key").exists()

    def test_the_schema_is_brought_up_to_date_by_hand(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, postgresql_stores: PostgreSQLStores
    ) -> None:
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", MINE)
        with postgresql_stores.fresh(migrated=False) as url:
            monkeypatch.setenv("BUYSIDE_DATABASE_URL", url)
            assert "buyside migrate" in one_line(run("keys", "create", "--account", "Acme"))
            assert run("doctor").exit_code == 1
            assert "now up to date" in run("migrate").stdout
            assert "already" in run("migrate").stdout
            assert KEY.fullmatch(run("keys", "create", "--account", "Acme").stdout.strip())
            assert run("doctor").exit_code == 0
            monkeypatch.setenv("BUYSIDE_SECRET_KEY", ANOTHER)
            assert "BUYSIDE_SECRET_KEY" in one_line(run("worker"))

    def test_a_server_that_is_not_there_is_one_line(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", MINE)
        monkeypatch.setenv("BUYSIDE_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/x")
        for words in (("migrate",), ("keys", "list"), ("serve", "--port", "0")):
            assert "hunter2" not in one_line(run(*words))


class TestSettings:
    def test_every_setting_is_listed_and_secrets_stand_as_dots(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", 5 * "hunter2")
        monkeypatch.setenv("BUYSIDE_BILLING", "agent")
        listed = json.loads(run("settings", "--json").stdout)
        assert listed["BUYSIDE_BILLING"]["value"] == "agent"
        assert listed["BUYSIDE_EXECUTE_DEADLINE"]["unit"] == "seconds"
        text = run("settings").stdout
        assert all(variable in text for variable in listed)
        assert "hunter2" not in text
        assert "hunter2" not in json.dumps(listed)

    def test_a_wrong_value_is_named_by_every_command(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUYSIDE_RATE_LIMIT", "many")
        for words in (("settings",), ("keys", "list"), ("migrate",), ("serve",), ("worker",)):
            assert "BUYSIDE_RATE_LIMIT" in one_line(run(*words))
        assert run("doctor").exit_code == 1


class TestDataFolder:
    def test_a_folder_that_cannot_be_one_is_named_with_its_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_text("")
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            monkeypatch.setenv("BUYSIDE_DATA_DIR", str(folder))
            for words in (("keys", "list"), ("migrate",), ("serve", "--port", "0")):
                said = one_line(run(*words))
                assert str(folder) in said
                assert "BUYSIDE_DATA_DIR" in said
                assert "BUYSIDE_DATABASE_URL" not in said
            result = run("doctor")
            assert result.exit_code == 1
            assert f"{tmp_path / 'file'} is no folder: set BUYSIDE_DATA_DIR" in result.stdout
            assert "chmod" not in result.stdout


class TestDoctor:
    def test_what_a_caller_sets_is_not_taken_for_a_misspelt_setting(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for variable in OF_CALLERS:
            monkeypatch.setenv(variable, "x")
        assert not any(variable in run("doctor").stdout for variable in OF_CALLERS)
        assert set(OF_CALLERS) == {URL_VARIABLE, KEY_VARIABLE}

    def test_a_variable_that_is_no_setting_is_named_with_the_one_that_was_meant(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BUYSIDE_DATABSE_URL", "sqlite:///x")
        result = run("doctor")
        assert result.exit_code == 1
        assert "BUYSIDE_DATABSE_URL is no setting: BUYSIDE_DATABASE_URL was meant?" in result.stdout

    def test_a_folder_of_somebody_elses_gets_no_advice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tmp_path.chmod(0o755)
        monkeypatch.setenv("BUYSIDE_DATA_DIR", str(tmp_path))
        result = run("doctor")
        assert result.exit_code == 0
        assert "chmod" not in result.stdout

    def test_on_postgresql_everything_that_is_missing_is_listed_at_once(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, postgresql_stores: PostgreSQLStores
    ) -> None:
        with postgresql_stores.fresh(migrated=False) as url:
            monkeypatch.setenv("BUYSIDE_DATABASE_URL", url)
            shown = run("doctor").stdout
        assert "run buyside migrate" in shown
        assert "BUYSIDE_SECRET_KEY has to be set" in shown

    def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(self, folder: Path) -> None:
        result = run("doctor")
        assert result.exit_code == 0
        assert not folder.exists()

    def test_what_others_may_read_is_a_problem(self, folder: Path) -> None:
        run("keys", "create", "--account", "Acme")
        assert run("doctor").exit_code == 0
        (folder / "secret.key").chmod(0o644)
        result = run("doctor")
        assert result.exit_code == 1
        assert "chmod" in result.stdout

    def test_a_key_that_is_gone_or_wrong_is_a_problem(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run("keys", "create", "--account", "Acme")
        (folder / "secret.key").unlink()
        assert "gone" in run("doctor").stdout
        monkeypatch.setenv("BUYSIDE_SECRET_KEY", ANOTHER)
        result = run("doctor")
        assert (result.exit_code, "does not open" in result.stdout) == (1, True)

    def test_a_store_of_a_newer_version_is_a_problem(self, folder: Path) -> None:
        run("keys", "create", "--account", "Acme")
        with sqlite3.connect(folder / "buyside.sqlite3") as store:
            store.execute("UPDATE alembic_version SET version_num = '9999'")
        store.close()
        assert "9999" in run("doctor").stdout
        assert "9999" in one_line(run("keys", "list"))
