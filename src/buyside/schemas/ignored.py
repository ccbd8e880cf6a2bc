"""What a request says and no model of it hears.

The contract leaves most bodies open, so a key that is not known is not refused. It is not dropped without a word
either: it may be a misspelt amount.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import AliasChoices, TypeAdapter, ValidationError

from buyside.domain.errors import BuysideError, dotted
from buyside.schemas.wire import Request

MOST = 20
"""How many are named."""
_OBSOLETE = frozenset({"campaignType"})
"""Known from older documents, and without effect in any of them (interchange.md 2.1)."""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def ignored(kind: Any, body: object) -> list[str]:
    """Paths of `body` that a request of this kind takes no notice of; none when it is refused anyway."""
    try:
        heard = _adapter(kind).validate_python(body)
    except (ValidationError, BuysideError):
        return []
    return [path for path, _ in zip(_unheard(heard, body, ()), range(MOST), strict=False)]


def sentence(path: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(path.rpartition(".")[2], known, 1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{path} is not a field of this request and was ignored.{hint}"


@cache
def names(kind: Any) -> tuple[str, ...]:
    """Every field name that a request of this kind knows, at any depth. Costs as much as a schema, so it is kept."""
    found: set[str] = set()
    _collect(_adapter(kind).json_schema(by_alias=True), found)
    return tuple(sorted(found))


def _collect(node: object, found: set[str]) -> None:
    if isinstance(node, dict):
        properties = node.get("properties")
        found.update(properties if isinstance(properties, dict) else ())
        for each in node.values():
            _collect(each, found)
    elif isinstance(node, list):
        for each in node:
            _collect(each, found)


def _unheard(heard: object, said: object, walked: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(heard, Request) and isinstance(said, dict):
        fields = _fields(type(heard))
        extra = heard.__pydantic_extra__ or {}
        for key, value in said.items():
            if key in fields:
                yield from _unheard(getattr(heard, fields[key]), value, (*walked, key))
            elif key not in extra and key not in _OBSOLETE:
                yield dotted((*walked, key))
    elif isinstance(heard, list | tuple) and isinstance(said, list):
        for index, (one, other) in enumerate(zip(heard, said, strict=False)):
            yield from _unheard(one, other, (*walked, index))


@cache
def _fields(kind: type[Request]) -> dict[str, str]:
    """Each name that the wire may use, and the attribute that it fills."""
    found = {}
    for name, field in kind.model_fields.items():
        alias = field.validation_alias or field.alias or name
        for choice in alias.choices if isinstance(alias, AliasChoices) else (alias,):
            found[str(choice)] = name
    return found
