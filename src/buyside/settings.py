"""Everything that can be set from outside, in one class. Only bootstrap reads it, and passes values on."""

import difflib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "BUYSIDE_"
DOTS = "••••••"
SHORTEST_SECRET = 32
OF_CALLERS = ("BUYSIDE_URL", "BUYSIDE_API_KEY")
"""Set by whoever calls a server (buyside stop), and no settings of one."""
COMPUTED = {"data_dir": "~/.local/share/buyside", "database_url": "sqlite:///…/buyside.sqlite3 in the data folder"}


class InvalidSettings(Exception):
    """The environment holds a value that cannot be used; the text is one line and names the variable."""


def _default_data_dir() -> Path:
    if home := os.environ.get("XDG_DATA_HOME"):
        return Path(home) / "buyside"
    try:
        user = Path.home()
    except RuntimeError as none:
        raise InvalidSettings(f"{PREFIX}DATA_DIR: this user has no home directory, so it must be set") from none
    return user / ("Library/Application Support/buyside" if sys.platform == "darwin" else ".local/share/buyside")


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("should be an address such as https://buyside.example.com, without query or fragment")
    return text.rstrip("/")


def _database(url: SecretStr) -> SecretStr:
    if url.get_secret_value().partition(":")[0].partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("should start with sqlite:/// or postgresql://")
    return url


def _hard_to_guess(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"should have at least {SHORTEST_SECRET} characters; make one with: openssl rand -base64 32")
    return secret


def _parsed(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False, json_schema_extra={"unit": "seconds"})]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Domain = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")]


class Fee(BaseModel):
    """One line of the default fee schedule: a share of the budget, or a price per unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    label: str = Field(min_length=1)
    pricing_type: Literal["MARGIN", "UNIT"]
    margin_percent: Decimal | None = Field(None, ge=0, lt=100)
    unit: str | None = None
    unit_price: Decimal | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.pricing_type == "MARGIN" and self.margin_percent is None:
            raise ValueError("a MARGIN fee needs marginPercent")
        if self.pricing_type == "UNIT" and (self.unit is None or self.unit_price is None):
            raise ValueError("a UNIT fee needs unit and unitPrice")
        return self


class Settings(BaseSettings):
    """What the environment says, checked. An empty variable counts as not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    # Where things are kept, and who may see them.
    data_dir: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Field(
        default_factory=_default_data_dir,
        description="Folder of the SQLite store, its key and its lock; made on first use, closed to other users.",
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] = Field(
        default_factory=lambda known: SecretStr(f"sqlite:///{known['data_dir'] / 'buyside.sqlite3'}"),
        description="The store: postgresql://user:password@host/name, or sqlite:///path (a file in the data folder).",
    )
    secret_key: Annotated[SecretStr, AfterValidator(_hard_to_guess)] | None = Field(
        None,
        description="Encrypts stored credentials and keys the hashes of API keys; losing it voids both. "
        "PostgreSQL needs it; on SQLite a file in the data folder takes its place. "
        "At least 32 characters; make one with: openssl rand -base64 32.",
    )
    public_url: WebAddress | None = Field(
        None, description="Address at which the outside reaches this server; sellers call back below it."
    )
    allow_private_endpoints: bool = Field(
        False, description="Whether sellers on loopback and private addresses may be registered and called."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe line that is logged."
    )

    # What the buyer's side says.
    envelope: Literal["bare", "wrapped"] = Field(
        "bare", description="Form of a successful answer: the payload itself, or {data, error} around it."
    )
    rate_limit: int = Field(
        0,
        ge=0,
        description="Requests that one account may make; 0 switches the limit off.",
        json_schema_extra={"unit": "requests a minute"},
    )
    operator_domain: Domain | None = Field(
        None, description="Domain that operates the buys, as sellers see it. Without it: the advertiser's brand domain."
    )
    billing: Literal["operator", "agent"] = Field(
        "operator", description="Who sellers invoice, unless a source says otherwise."
    )
    default_currency: str = Field(
        "USD",
        pattern="^[A-Z]{3}$",
        description="Currency of a budget that names none.",
        json_schema_extra={"unit": "ISO 4217 code"},
    )
    utm_source: str = Field(
        "buyside",
        min_length=1,
        max_length=200,
        description="utm_source on landing pages of an advertiser that set no UTM parameters of its own.",
    )
    metro_names_file: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] | None = Field(
        None,
        description="What metros are called: a JSON file {system: {code: name}}, or a CSV file with the columns "
        "system, code and name. Without it codes stand for names.",
    )
    fees: Annotated[tuple[Fee, ...], NoDecode, BeforeValidator(_parsed)] = Field(
        (),
        description="Fee schedule of an advertiser that has none of its own: a JSON list of {label, pricingType, …}.",
    )

    # How long a seller may take.
    execute_deadline: Seconds = Field(
        25, description="Longest that an execute request waits for its sellers before it answers."
    )
    call_timeout: Seconds = Field(30, description="Longest that a call that changes something at a seller may take.")
    read_timeout: Seconds = Field(15, description="Longest that a call that only reads at a seller may take.")
    probe_timeout: Seconds = Field(
        10, description="Longest that a seller may take to say what it is when it is registered, changed or probed."
    )
    discovery_timeout: Seconds = Field(60, description="Longest that a product search at a seller may take.")
    connect_timeout: Seconds = Field(5, description="Longest that opening a connection to a seller may take.")
    lease_margin: Seconds = Field(
        15, description="Added to a call's timeout: after both, the sweep takes the call for abandoned."
    )
    seller_concurrency: int = Field(
        8, gt=0, description="Calls to one seller at a time.", json_schema_extra={"unit": "calls"}
    )
    seller_connections: int = Field(
        32, gt=0, description="Open connections to all sellers.", json_schema_extra={"unit": "connections"}
    )

    # How often the clock looks.
    sweep_every: Seconds = Field(10, description="Pause between two looks for abandoned calls.")
    watch_every: Seconds = Field(15, description="Pause between two looks for buys and creatives whose state is due.")
    pending_poll: Seconds = Field(
        30, description="First pause before a seller's pending answer is asked for; doubles each time."
    )
    pending_poll_max: Seconds = Field(600, description="Longest pause between two such questions.")
    over_budget: Literal["notify", "pause"] = Field(
        "notify",
        description="What is done when a campaign has spent more than its total, or than its cap for the day: tell "
        "people, or also pause what serves; a daily cap's pause ends with the UTC day.",
    )
    delivery_every: Seconds = Field(3600, description="Pause between two readings of what a running buy delivered.")
    delivery_rereads: float = Field(
        30,
        ge=0,
        allow_inf_nan=False,
        description="How long a finished buy is read again, once a day, while its seller does not call it final.",
        json_schema_extra={"unit": "days"},
    )
    discovery_retention: int = Field(
        90,
        gt=0,
        le=36_500,
        description="How long a discovery session that no campaign has is kept after it was last changed.",
        json_schema_extra={"unit": "days"},
    )
    key_cache_seconds: Seconds = Field(5, description="How long a revoked API key may still be accepted.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.pending_poll > self.pending_poll_max:
            raise ValueError(f"{PREFIX}PENDING_POLL should not be above {PREFIX}PENDING_POLL_MAX")
        return self


def load() -> Settings:
    """The settings of this process.

    Raises: InvalidSettings, in one line, for the caller to print.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings("; ".join(_said(dict(issue)) for issue in error.errors(include_url=False))) from None


def unknown() -> Iterator[tuple[str, str | None]]:
    """Variables of the environment that look like ours and are none, each with the setting that was probably meant."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in {*known, *OF_CALLERS}:
            yield variable, next(iter(difflib.get_close_matches(variable.upper(), known, 1, 0.8)), None)


def _said(issue: dict[str, Any]) -> str:
    # The value itself is left out: it may be a secret.
    text = str(issue["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    head, *path = issue["loc"] or [""]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{PREFIX}{str(head).upper()}{where}: {text}" if head else text


@dataclass(frozen=True)
class Described:
    """One setting as a person reads it; a secret stands as dots."""

    variable: str
    value: str
    default: str
    unit: str
    meaning: str


def described(settings: Settings) -> Iterator[Described]:
    """Every setting in the order in which it is declared, with its value, default, unit and meaning."""
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        yield Described(
            variable=PREFIX + name.upper(),
            value=_without_password(settings.database_url.get_secret_value())
            if name == "database_url"
            else _shown(getattr(settings, name)),
            default=COMPUTED.get(name) or _shown(field.default),
            unit=str(extra["unit"]) if isinstance(extra, dict) else "",
            meaning=field.description or "",
        )


def _shown(value: object) -> str:
    match value:
        case None | ():
            return ""
        case SecretStr():
            return DOTS
        case bool():
            return str(value).lower()
        case tuple():
            return json.dumps([fee.model_dump(mode="json", by_alias=True, exclude_none=True) for fee in value])
        case float():
            return f"{value:g}"
    return str(value)


def _without_password(url: str) -> str:
    return re.sub(r"(?<=://)([^:/@]*:).*(?=@)", rf"\1{DOTS}", re.sub(r"(?<=password=)[^&]+", DOTS, url))
