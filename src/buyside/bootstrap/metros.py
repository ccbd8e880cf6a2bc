"""The operator's names of metros, from a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

Names = Mapping[str, Mapping[str, str]]


def read(path: Path) -> Names:
    """Raises: OSError when the file cannot be read, ValueError when it does not hold names."""
    text = path.read_text(encoding="utf-8-sig")
    return _table(text) if path.suffix.lower() == ".csv" else _tree(json.loads(text))


def _table(text: str) -> Names:
    found: dict[str, dict[str, str]] = {}
    rows = csv.DictReader(text.splitlines())
    if not {"system", "code", "name"} <= set(rows.fieldnames or ()):
        raise ValueError("it has no columns system, code and name")
    for row in rows:
        found.setdefault(row["system"], {})[row["code"]] = row["name"]
    return found


def _tree(found: object) -> Names:
    if not isinstance(found, dict) or not all(isinstance(names, dict) for names in found.values()):
        raise ValueError("it is not {system: {code: name}}")
    return {str(system): {str(code): str(name) for code, name in names.items()} for system, names in found.items()}
