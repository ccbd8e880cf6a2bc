"""What no compiler checks about the tree."""

import ast
import inspect
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from buyside.domain import jobs
from buyside.services.work import Policy, Runtime
from buyside.settings import Settings
from buyside.workflows.schedule import tasks

ROOT = Path(__file__).parents[2]

# Durations and moments of the process's own; whatever else is measured in float has to be argued for here.
FLOATS = {"at", "first", "longest", "retry_after"}

SAMPLES: dict[object, object] = {int: 1, str: "x", datetime: datetime(2026, 1, 1, tzinfo=UTC)}


def test_every_setting_says_what_it_means_and_in_which_unit() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, f"{name} is not documented"
        extra = field.json_schema_extra
        assert field.annotation not in (int, float) or (isinstance(extra, dict) and extra["unit"]), (
            f"{name} has no unit"
        )


def test_the_pinned_requirements_name_no_host_and_pin_by_hash() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        pinned = path.read_text()
        assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host| @ ", pinned), path
        for requirement in re.findall(r"^[\w.\[\]-]+==\S+(?:.*\\\n)?.*", pinned, re.MULTILINE):
            assert "--hash=sha256:" in requirement, requirement


def test_no_amount_in_the_domain_is_a_float() -> None:
    found = {
        f"{path.name}: {name}"
        for path in (ROOT / "src/buyside/domain").rglob("*.py")
        for name, annotation in _annotations(ast.parse(path.read_text()))
        if "float" in re.findall(r"\w+", annotation) and name not in FLOATS
    }
    assert not found, "amounts are Money, Decimal or int"


def _annotations(tree: ast.AST) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(target=target, annotation=annotation):
                found.append((ast.unparse(target), ast.unparse(annotation)))
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                found.append((name, ast.unparse(annotation)))
            case ast.FunctionDef(name=name, returns=ast.expr() as annotation):
                found.append((name, ast.unparse(annotation)))
    return found


def test_every_job_has_a_task_that_takes_its_arguments() -> None:
    known = {task.name: task.run for task in tasks(cast(Runtime, _OnlyPolicy()))}
    made = [
        make(
            *(SAMPLES[parameter.annotation] for parameter in inspect.signature(make, eval_str=True).parameters.values())
        )
        for name, make in inspect.getmembers(jobs, inspect.isfunction)
        if make.__module__ == jobs.__name__
    ]
    assert made
    for job in made:
        assert job.name in known, f"no task for {job.name}"
        inspect.signature(known[job.name]).bind(**job.args)


class _OnlyPolicy:
    policy = Policy()


def test_what_is_imported_is_declared() -> None:
    """A library that comes only because another needs it may go with that one's next release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=;~! ]", each)[0].lower() for each in project["dependencies"]}
    ours = {"pydantic_core": "pydantic", "starlette": "fastapi", "yaml": "pyyaml", "typing_extensions": "pydantic"}
    imported = {
        name.partition(".")[0]
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    foreign = {ours.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"buyside", ""}}
    assert {name.replace("_", "-") for name in foreign} <= declared
