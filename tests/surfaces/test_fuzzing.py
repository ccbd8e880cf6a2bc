"""Whatever is sent, in or out of our document: a clear answer in the contract's shape, never a 500."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, unsupported_method

from tests.recording import Operation, census
from tests.surfaces.bodies import Bodies
from tests.surfaces.serving import Served, served, stay_here
from tests.surfaces.steps import synonymous

pytestmark = pytest.mark.slow

load_all_checks()
OPERATIONS = sorted(census.described.operations, key=lambda each: (each.id == "revokeApiKey", each.method == "DELETE"))
"""What takes something away comes last, and last of all what may take the key."""
EXCLUDED = [unsupported_method, positive_data_acceptance, not_a_server_error]
"""The last one is replaced by `described`: 501 is an answer of ours."""
PER_OPERATION = int(os.environ.get("FUZZ_EXAMPLES", "10"))
BOUNDED = settings(
    max_examples=PER_OPERATION,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
FEW = settings(BOUNDED, max_examples=3)


@pytest.fixture(scope="module")
def server(shared_url: str) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        stay_here(patch)
        with served(shared_url) as made:
            yield made


@pytest.fixture(scope="module")
def schema(server: Served) -> Any:
    made = schemathesis.openapi.from_dict(census.described.document)
    made.config.update(base_url=server.url)
    return made


def described(ctx: Any, response: Any, case: Any) -> None:
    """In words of our document, down to the last key; of the 5xx only 501."""
    operation = next(each for each in OPERATIONS if each.id == case.operation.definition.raw["operationId"])
    assert response.status_code < 500 or response.status_code == 501, response.text
    if response.status_code == 204:
        assert not response.content
    elif response.status_code not in {405, 404} or response.headers["content-type"] == ["application/json"]:
        assert census.described.problems(operation, response.status_code, json.loads(response.content)) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.id for each in OPERATIONS])
def test_an_admin_gets_a_clear_answer(server: Served, schema: Any, operation: Operation) -> None:
    walk(server, schema, operation, server.key)


@pytest.mark.parametrize("operation", OPERATIONS, ids=[each.id for each in OPERATIONS])
def test_without_a_key_nothing_is_told(server: Served, schema: Any, operation: Operation) -> None:
    def refused(ctx: Any, response: Any, case: Any) -> None:
        # What has no body of sense, or no such method, is not even asked who wants it.
        assert operation.doc["security"] == [] or response.status_code in {401, 404, 405, 413}, response.status_code

    walk(server, schema, operation, None, refused)


def walk(server: Served, schema: Any, operation: Operation, key: str | None, *checks: Any) -> None:
    found = schema[operation.template][operation.method]
    modes = st.one_of(
        found.as_strategy(generation_mode=GenerationMode.POSITIVE),
        found.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @given(case=modes, own=st.booleans())
    @(BOUNDED if key else FEW)
    def examples(case: Any, own: bool) -> None:
        excluded = [*EXCLUDED]
        if own:
            point_at(case, operation, synonymous(server.ids))
        if own or is_tolerated(case.query or {}):
            excluded.append(negative_data_rejection)  # what was wrong may be right now
        case.call_and_validate(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            additional_checks=[described, *checks],
            excluded_checks=excluded,
            timeout=30,
        )

    examples()


def is_tolerated(query: dict[str, Any]) -> bool:
    """`?mode=` and `?mode=,` ask for nothing, as if they had been left out; of a word given twice the last counts."""
    return any(isinstance(value, list) or not str(value).strip(" ,") for value in query.values())


def point_at(case: Any, operation: Operation, ids: dict[str, Any]) -> None:
    """Let the case be about what is there, with what it needs: made-up ids and dates are refused at the door."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = ids[name]
    for name in set(case.query or {}) & set(ids):
        case.query[name] = ids[name]
    if isinstance(case.body, dict):
        good = Bodies(census.described.document, ids).good(operation, ids)
        case.body = {**case.body, **good}
