"""Which arguments a seller's tool takes, from its inputSchema, and our arguments cut to that.

At the top, a tool that lists its arguments is taken at its word: whatever it does not list is dropped, unless it says
that more is welcome. Below, only an object that is closed in so many words loses anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from buyside.connectors.adcp.reading import mapping
from buyside.domain.answers import Dropped
from buyside.domain.storefronts import Shape

MAX_DEPTH = 6
MAX_NODES = 20_000


class _Schemas:
    """One inputSchema being read: where its references lead, and how much of it has been read."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root, self._nodes = root, 0

    def spent(self) -> bool:
        """There was more than we read: what was read last may be incomplete, and is not to be relied on."""
        return self._nodes > MAX_NODES

    def views(self, schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[Mapping[str, Any]]:
        """The schema and all it refers to or is composed of, without following a reference twice."""
        self._nodes += 1
        if not isinstance(schema, Mapping) or self.spent():
            return
        yield schema
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            yield from self.views(self._at(reference), seen | {reference})
        for word in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(word) or () if isinstance(schema.get(word), list) else ():
                yield from self.views(each, seen)

    def _at(self, reference: str) -> Any:
        found: Any = self._root if reference.startswith("#") else None
        for step in reference.lstrip("#").strip("/").split("/") if reference != "#" else ():
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def shape_of(schema: Any) -> Shape:
    """The shape of a tool from its inputSchema. Anything that is no schema takes everything."""
    if not isinstance(schema, Mapping):
        return Shape()
    schemas = _Schemas(schema)
    views = list(schemas.views(schema))
    names = {name: each for view in views for name, each in mapping(view, "properties").items()}
    welcome = any(view.get("additionalProperties") not in (None, False) for view in views)
    welcome = welcome or schemas.spent()
    keys = {name: _below(schemas, each, 1) for name, each in names.items()}
    return Shape(keys, closed=bool(keys) and not welcome)


def _below(schemas: _Schemas, schema: Any, depth: int) -> Shape | None:
    """The shape of a value below the top; None when nothing below is closed. Lists are transparent."""
    if depth > MAX_DEPTH:
        return None
    objects: list[Mapping[str, Any]] = []
    for view in schemas.views(schema):
        objects += [inner for inner in schemas.views(view.get("items")) if _is_object(inner)]
        if _is_object(view):
            objects.append(view)
    if not objects or schemas.spent():
        return None
    keys: dict[str, Shape | None] = {}
    for each in objects:
        for name, value in mapping(each, "properties").items():
            keys[name] = _below(schemas, value, depth + 1) or keys.get(name)
    listed = [each for each in objects if mapping(each, "properties") or "additionalProperties" in each]
    closed = bool(keys) and bool(listed) and all(each.get("additionalProperties") is False for each in listed)
    if schemas.spent():
        return None
    if not closed:
        keys = {name: value for name, value in keys.items() if value is not None}
    return Shape(keys, closed) if keys else None


def _is_object(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema or schema.get("type") == "object"


def shaped(tool: str, arguments: Mapping[str, Any], shape: Shape | None) -> tuple[dict[str, Any], tuple[Dropped, ...]]:
    """The arguments without nulls and without what the tool does not take, and what was left out."""
    dropped: list[Dropped] = []
    kept = _cut(arguments, shape, "", f"{tool} does not list it", dropped)
    return (kept if isinstance(kept, dict) else {}), tuple(dropped)


def _cut(value: Any, shape: Shape | None, path: str, why: str, dropped: list[Dropped]) -> Any:
    if isinstance(value, list | tuple):
        return [_cut(each, shape, f"{path}[{i}]", why, dropped) for i, each in enumerate(value) if each is not None]
    if not isinstance(value, Mapping):
        return value
    kept: dict[str, Any] = {}
    for key, each in value.items():
        if each is None:
            continue
        where = f"{path}.{key}" if path else str(key)
        if shape is not None and shape.closed and key not in shape.keys:
            dropped.append(Dropped(where, why))
            continue
        kept[key] = _cut(each, shape.keys.get(key) if shape else None, where, why, dropped)
    return kept


def lists(shape: Shape | None, key: str) -> bool:
    """Whether the tool names this argument itself, and does not merely tolerate it."""
    return shape is not None and key in shape.keys
