"""Every answer that a test receives, held against our own OpenAPI document as it arrives.

A client whose transport is a `Recording` fails the test on a body that the document does not describe: a field too
few, a value of another kind, a key that is not declared. Once the whole suite has run, an operation of the document
that no test has heard a success from fails the run.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.census import PathCensus

BASE = "/api/v2/buyer"
ALIASES = {"/api/buyer": BASE, "/api/v2/accounts": f"{BASE}/accounts", "/api/v2/notifications": f"{BASE}/notifications"}
NOT_JSON = {"/openapi.json", f"{BASE}/openapi.yaml", f"{BASE}/skill.md"}
"""Documents: they describe, and stand in no description themselves."""
_METHODS = ("get", "post", "put", "patch", "delete")
_URI = "urn:buyside:openapi"
_FORMATS = FormatChecker(())


@_FORMATS.checks("date-time")
def _is_instant(value: object) -> bool:
    """UTC with Z: other forms break clients (interchange.md 1.8)."""
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,6})?Z", value)
    )


@_FORMATS.checks("date")
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    doc: dict[str, Any]
    """As the document has it."""

    @property
    def responses(self) -> dict[str, Any]:
        declared: dict[str, Any] = self.doc["responses"]
        return declared


class Described:
    """Our document, ready to judge answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        closed = _closed(copy.deepcopy(document))
        self._registry: Registry[Any] = Registry().with_resource(_URI, DRAFT202012.create_resource(closed))
        self._validators: dict[str, Draft202012Validator] = {}
        self.operations = sorted(_operations(closed), key=lambda each: each.template.count("{"))

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation at an address; literal addresses go before those with a parameter."""
        for alias, real in ALIASES.items():
            if path == alias or path.startswith(f"{alias}/"):
                path = real + path[len(alias) :]
        return next((each for each in self.operations if each.method == method and each.pattern.fullmatch(path)), None)

    def problems(self, operation: Operation, status: int, payload: object) -> list[str]:
        """What is wrong with a bare payload; nothing, if all is well."""
        declared = operation.responses.get(str(status))
        if declared is None:
            return [f"{status} is not declared"]
        found = cast(Iterator[ValidationError], self._validator(operation, status, declared).iter_errors(payload))
        return [f"{each.json_path}: {each.message[:300]}" for each in found]

    def _validator(self, operation: Operation, status: int, declared: dict[str, Any]) -> Draft202012Validator:
        pointer = declared.get("$ref")
        if pointer is None:
            path = operation.template.replace("~", "~0").replace("/", "~1")
            pointer = f"#/paths/{path}/{operation.method.lower()}/responses/{status}"
        schema = f"{_URI}{pointer}/content/application~1json/schema"
        if schema not in self._validators:
            self._validators[schema] = Draft202012Validator(
                {"$ref": schema}, registry=self._registry, format_checker=_FORMATS
            )
        return self._validators[schema]


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for template, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))
        for method in _METHODS:
            if method in item:
                yield Operation(item[method]["operationId"], method.upper(), template, pattern, item[method])


def _closed(node: Any) -> Any:
    """Where a schema names properties and does not say that there may be others, there are no others."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and "type" in node:
            node.setdefault("additionalProperties", False)
        for each in node.values():
            _closed(each)
    elif isinstance(node, list):
        for each in node:
            _closed(each)
    return node


def our_document() -> dict[str, Any]:
    """The document of the app as it is put together for a server. Takes a good part of a second."""
    from buyside.api import openapi
    from buyside.api.app import About
    from buyside.bootstrap.surface import app_of
    from buyside.services.work import Runtime

    app = app_of(About("0"), cast(Runtime, None))  # nothing is asked of it: no request is made
    with ThreadPoolExecutor(1) as thread:  # a running loop stays as it is
        return thread.submit(asyncio.run, openapi.document(app)).result()


@dataclass
class Census:
    """What was received so far, in this process."""

    bodies: Counter[str] = field(default_factory=Counter)
    """Operation to successes that were checked."""
    refusals: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Lines for the end of the run."""
    documented: PathCensus = field(default_factory=PathCensus)

    @cached_property
    def described(self) -> Described:
        return Described(our_document())

    def take(self, method: str, path: str, status: int, content: bytes) -> None:
        """Raises: AssertionError for an answer that our document does not describe."""
        operation = self.described.operation(method, path)
        found = self._judged(operation, path, status, content)
        if found:
            said = f"{method} {path} answered {status} with what our document does not describe: {'; '.join(found)}"
            self.problems.append(said)
            raise AssertionError(said)

    def _judged(self, operation: Operation | None, path: str, status: int, content: bytes) -> list[str]:
        if operation is None:
            return [] if status >= 300 or path in NOT_JSON else ["no such operation"]
        if status >= 300:
            self.refusals += 1
            # 405 is not of an operation: it says that there is none.
            return [] if status == 405 else self.described.problems(operation, status, json.loads(content))
        self.bodies[operation.id] += 1
        if status == 204:
            return ["a body"] if content else [] if "204" in operation.responses else ["204 is not declared"]
        payload, found = _bare(json.loads(content))
        self.documented.take(operation.id, payload)
        return found + self.described.problems(operation, status, payload)

    def merge(self, other: dict[str, Any]) -> None:
        self.bodies.update(other["bodies"])
        self.refusals += other["refusals"]
        self.problems += other["problems"]
        self.notes += other["notes"]
        self.documented.merge(other["documented"])

    def state(self) -> dict[str, Any]:
        """What `merge` takes, in plain values."""
        return {
            "bodies": dict(self.bodies),
            "refusals": self.refusals,
            "problems": self.problems,
            "notes": self.notes,
            "documented": self.documented.found,
        }


def _bare(payload: Any) -> tuple[Any, list[str]]:
    """The payload, taken out of its envelope where it has one, and what is wrong with the envelope."""
    if not isinstance(payload, dict) or "data" not in payload or payload.get("error", ...) is not None:
        return payload, []
    meta = payload.get("meta", _META)
    known = set(payload) <= {"data", "error", "meta"} and {k: set(v) for k, v in meta.items()} == _META
    return payload["data"], [] if known else [f"the envelope holds {sorted(payload)} and {meta}"]


_META = {"pagination": {"skip", "take", "total", "hasMore"}}


census = Census()


class Recording(httpx.AsyncBaseTransport):
    """Any transport, with what comes back held against the document."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        census.take(request.method, request.url.path, response.status_code, await response.aread())
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


# ---- pytest


def _whole(session: pytest.Session) -> bool:
    """Whether every test was asked for, and none was kept from running."""
    config, option = session.config, session.config.option
    narrowed = option.keyword or option.deselect or option.ignore or option.ignore_glob or option.collectonly
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and option.markexpr in {"", "not interop"}
        and not narrowed
        and not getattr(option, "lf", False)
        and not (session.shouldstop or session.shouldfail)
    )


def _missed() -> list[str]:
    """What a run of the whole suite should have heard, and did not."""
    unheard = [each.id for each in census.described.operations if each.id not in census.bodies]
    return [
        *(f"answers: NO TEST HEARD A SUCCESS OF {each}" for each in unheard),
        *(f"documented answers: NO TEST SAW {each}" for each in census.documented.unseen()),
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--census", type=Path, help="write here which test saw which documented path")


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["answers"] = census.state()
    elif census.problems or (_whole(session) and _missed()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist has ended: what it received counts as received here."""
    census.merge(getattr(node, "workeroutput", {}).get("answers", Census().state()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not census.bodies and not census.notes:
        return
    operations = len(census.described.operations)
    terminalreporter.write_line(
        f"answers: {census.bodies.total()} bodies of success and {census.refusals} refusals checked against our "
        f"OpenAPI document, {len(census.bodies)} of its {operations} operations heard"
    )
    for problem in census.problems:
        terminalreporter.write_line(f"answers: {problem}", red=True)
    for note in census.notes:
        terminalreporter.write_line(note)
    terminalreporter.write_line(census.documented.line())
    if (target := terminalreporter.config.option.census) is not None:
        census.documented.write(target)
    session = getattr(terminalreporter, "_session", None)
    if session is not None and _whole(session):
        for missed in _missed():
            terminalreporter.write_line(missed, red=True)
