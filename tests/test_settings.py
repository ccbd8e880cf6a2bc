"""What is set from outside is checked once, and said back without secrets."""

from pathlib import Path

import pytest

from buyside.settings import InvalidSettings, described, load


@pytest.fixture(autouse=True)
def a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("BUYSIDE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def test_the_store_is_an_sqlite_file_in_the_data_folder_unless_said_otherwise(a_folder: Path) -> None:
    assert load().database_url.get_secret_value() == f"sqlite:///{a_folder}/data/buyside.sqlite3"


def test_the_data_folder_follows_xdg_and_else_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BUYSIDE_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert load().data_dir == tmp_path / ".local/share/buyside"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert load().data_dir == tmp_path / "xdg/buyside"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUYSIDE_SECRET_KEY", "")
    monkeypatch.setenv("BUYSIDE_PUBLIC_URL", "")
    settings = load()
    assert settings.secret_key is None
    assert settings.public_url is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BILLING", "nobody", "BUYSIDE_BILLING: should be 'operator' or 'agent'"),
        ("EXECUTE_DEADLINE", "0", "BUYSIDE_EXECUTE_DEADLINE: should be greater than 0"),
        ("CALL_TIMEOUT", "inf", "BUYSIDE_CALL_TIMEOUT: should be a finite number"),
        ("RATE_LIMIT", "-1", "BUYSIDE_RATE_LIMIT: should be greater than or equal to 0"),
        ("PUBLIC_URL", "example.com", "BUYSIDE_PUBLIC_URL: should be an address such as"),
        ("DATABASE_URL", "mysql://x/y", "BUYSIDE_DATABASE_URL: should start with sqlite:/// or postgresql://"),
        ("FEES", "5%", "BUYSIDE_FEES: "),
        ("FEES", '[{"label":"x","pricingType":"MARGIN"}]', "BUYSIDE_FEES[0]: a MARGIN fee needs marginPercent"),
        ("PENDING_POLL", "900", "BUYSIDE_PENDING_POLL should not be above BUYSIDE_PENDING_POLL_MAX"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"BUYSIDE_{variable}", value)
    with pytest.raises(InvalidSettings) as refused:
        load()
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_secrets_are_shown_as_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUYSIDE_SECRET_KEY", 5 * "s3cret:")
    monkeypatch.setenv("BUYSIDE_DATABASE_URL", "postgresql://user:s3cret@host/name?sslmode=require")
    settings = load()
    shown = {setting.variable: setting.value for setting in described(settings)}
    assert "s3cret" not in repr(settings) + str(settings) + str(shown)
    assert shown["BUYSIDE_DATABASE_URL"] == "postgresql://user:••••••@host/name?sslmode=require"


def test_a_default_fee_schedule_is_read_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUYSIDE_FEES", '[{"label":"Service","pricingType":"MARGIN","marginPercent":"12.5"}]')
    settings = load()
    assert str(settings.fees[0].margin_percent) == "12.5"
    shown = {setting.variable: setting.value for setting in described(settings)}
    assert shown["BUYSIDE_FEES"] == '[{"label": "Service", "pricingType": "MARGIN", "marginPercent": "12.5"}]'
