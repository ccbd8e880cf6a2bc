"""How values travel.

A request field typed `Given[X] = None` may be absent but never null; `X | None = None` may also be null.
A response field typed `Maybe[X] = None` is left out when it is None; `X | None` is always there, null if need be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, LiteralString, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

T = TypeVar("T")

LARGEST_INT = 2**53 - 1
LARGEST_AMOUNT = 10**13
"""Major units. Its minor units, and sums of a great many of them, fit a BIGINT in every currency."""


def _is_none(value: object) -> bool:
    return value is None


def _refuse_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("null_not_allowed", "null is not allowed here; leave the field out instead")
    return value


def wrong(code: LiteralString, message: str, at: str) -> PydanticCustomError:
    """A finding of a rule over several fields, told at the one that has to change."""
    return PydanticCustomError(code, "{message}", {"message": message, "at": at})


Given = Annotated[T | None, BeforeValidator(_refuse_null), Field(exclude_if=_is_none)]
Maybe = Annotated[T | None, Field(exclude_if=_is_none)]


def camel_except(*snake: str) -> Callable[[str], str]:
    """camelCase names, but for those that the contract spells in snake_case inside the same object."""
    kept = frozenset(snake)
    return lambda name: name if name in kept else to_camel(name)


class _Wire(BaseModel):
    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        own = handler.resolve_ref_schema(schema)
        own.pop("title", None)
        for field in cls.model_fields.values():
            shown = own.get("properties", {}).get(field.alias)
            if shown is not None:
                shown.pop("title", None)
                if field.exclude_if is _is_none:
                    _never_null(shown)
        return schema


def _never_null(schema: dict[str, Any]) -> None:
    if schema.get("default", ...) is None:
        del schema["default"]
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del schema["anyOf"]
        schema.update(options[0])
    elif options:
        schema["anyOf"] = options


def as_number(value: Decimal) -> int | float:
    """A Decimal as JSON writes it: 10 rather than 10.0, 0.1 rather than its binary neighbour."""
    return int(value) if value == value.to_integral_value() else float(value)


def plain(value: object) -> object:
    """JSON with ordinary numbers: our parser keeps decimals as Decimal."""
    if isinstance(value, Decimal):
        return as_number(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    return value


JsonObject = Annotated[dict[str, JsonValue], BeforeValidator(plain)]
Json = Annotated[JsonValue, BeforeValidator(plain)]
Raw = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
"""An object of someone else's, passed on as it is."""


class Request(_Wire):
    """A body that tolerates unknown keys, and coerces nothing: "5" is not 5."""

    model_config = ConfigDict(
        extra="ignore", strict=True, alias_generator=to_camel, validate_by_name=False, serialize_by_alias=True
    )

    def given(self) -> dict[str, Any]:
        """What the caller sent, as plain JSON values under wire names; what was left out is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class ClosedRequest(Request):
    """A body whose unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class OpenRequest(Request):
    """A part of a body whose further keys are kept, as the contract leaves it open."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Json]


class Response(_Wire):
    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        own = handler.resolve_ref_schema(schema)
        always = [f.alias for f in cls.model_fields.values() if f.exclude_if is not _is_none]
        if always:
            own["required"] = always
        return schema


class OpenResponse(Response):
    """An object that others may add keys to, such as a seller's own JSON."""

    model_config = ConfigDict(extra="allow")


def snake(name: str) -> str:
    """Alias generator of the objects that the contract spells in snake_case throughout."""
    return name


# ---- numbers


def _a_number(value: object) -> Decimal:
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = Decimal(repr(value))
    else:
        raise PydanticCustomError("number_type", "Input should be a number")
    if not number.is_finite():
        raise PydanticCustomError("finite_number", "Input should be a finite number")
    return number


_shown = PlainSerializer(as_number, return_type=int | float)

Number = Annotated[Decimal, BeforeValidator(_a_number), _shown, WithJsonSchema({"type": "number"})]
Amount = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(ge=0, le=LARGEST_AMOUNT),
    _shown,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": LARGEST_AMOUNT}),
]
PositiveAmount = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(gt=0, le=LARGEST_AMOUNT),
    _shown,
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": LARGEST_AMOUNT}),
]
Percent = Annotated[
    Decimal,
    BeforeValidator(_a_number),
    Field(ge=0, lt=100),
    _shown,
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 100}),
]
Int = Annotated[int, Field(ge=-LARGEST_INT, le=LARGEST_INT)]
Count = Annotated[int, Field(ge=0, le=LARGEST_INT)]
Ordinal = Annotated[int, Field(ge=1, le=LARGEST_INT)]


# ---- time

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
LAST_SECOND = time(23, 59, 59)


def _instant(of_a_day: time) -> Callable[[object], datetime]:
    def read(value: object) -> datetime:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if not isinstance(value, str):
            raise PydanticCustomError("datetime_type", "Input should be a date and time as text")
        try:
            return _parsed(value, of_a_day)
        except (ValueError, OverflowError):
            message = "Input should be a date and time with a zone, such as 2026-03-01T00:00:00Z, or a date"
            raise PydanticCustomError("datetime_parsing", message) from None

    return read


def _parsed(text: str, of_a_day: time) -> datetime:
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), of_a_day, UTC)
    if not (match := _INSTANT.fullmatch(text)):
        raise ValueError(text)
    day, clock, fraction, zone = match.groups()
    micro = (fraction or "0")[:6]
    return (
        datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
        .replace(microsecond=int(micro.ljust(6, "0")))
        .astimezone(UTC)
    )


_date_time = WithJsonSchema({"type": "string", "format": "date-time"})
read_start = _instant(time(0))
Start = Annotated[datetime, BeforeValidator(read_start), _date_time]
"""An instant; of a bare date, its first second in UTC."""
End = Annotated[datetime, BeforeValidator(_instant(LAST_SECOND)), _date_time]
"""An instant; of a bare date, its last second in UTC."""


def _a_day(value: object) -> date:
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("date_parsing", "Input should be a date such as 2026-03-01")


Day = Annotated[date, BeforeValidator(_a_day), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})]
"""A day in UTC."""
Instant = Annotated[datetime, AfterValidator(lambda at: at.astimezone(UTC)), _date_time]
"""In responses: aware, shown in UTC with Z."""


# ---- text and ids


def _as_number(value: object) -> object:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value) else value


NumericIdIn = Annotated[
    int,
    BeforeValidator(_as_number),
    Field(ge=1, le=LARGEST_INT),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST_INT},
                {"type": "string", "pattern": "^[1-9][0-9]{0,14}$"},
            ]
        }
    ),
]
"""Answers show some of these ids as text; either is taken back."""
AdvertiserIdIn = NumericIdIn
StorefrontIdIn = NumericIdIn
Word = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(min_length=1, max_length=255)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Currency = Annotated[str, Field(pattern="^[A-Za-z]{3}$"), AfterValidator(str.upper)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
ApplyMode = Literal["AUTO", "MANUAL"]


def _web(value: str) -> str:
    if not re.match(r"https?://[^/\s]", value) or re.search(r"[\s\x00-\x1f]", value):
        raise PydanticCustomError("url_scheme", "Input should be an http or https URL")
    return value


WebUrl = Annotated[
    str, Field(max_length=2048), AfterValidator(_web), WithJsonSchema({"type": "string", "format": "uri"})
]
