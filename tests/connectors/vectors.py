"""The contract's files, as parameters of tests. Where the folder is absent, each test says so and is skipped."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from tests.conftest import CONTRACT, NO_CONTRACT

Doc = dict[str, Any]


def vectors(name: str) -> pytest.MarkDecorator:
    """Parametrises `vector` over a file of `adcp/vectors`."""
    path = CONTRACT / "adcp" / "vectors" / name
    if not path.is_file():
        missing = pytest.param({}, id=name, marks=pytest.mark.skip(reason=f"contract folder not found: {NO_CONTRACT}"))
        return pytest.mark.parametrize("vector", [missing])
    found = json.loads(path.read_text())["vectors"]
    return pytest.mark.parametrize("vector", [pytest.param(each, id=each["id"]) for each in found])


@functools.cache
def schema(release: str, name: str) -> Doc:
    """A request or response schema such as ("3.1.19", "media-buy/create-media-buy-request")."""
    path = CONTRACT / "adcp" / "schemas" / release / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"contract folder not found: {NO_CONTRACT}")
    found: Doc = json.loads(path.read_text())
    return found
