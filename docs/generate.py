"""Writes docs/reference/ from the code: `make docs`. With --check it writes nothing and fails on any difference."""

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import click
from fastapi.routing import APIRoute

from buyside.api.not_built import CONTRACT
from buyside.api.requests import BASE
from buyside.bootstrap.surface import ROUTERS
from buyside.cli import COMMANDS
from buyside.domain import campaigns, media_buys
from buyside.domain.accounts import PERMISSIONS, Right
from buyside.settings import Settings, described

REFERENCE = Path(__file__).parent / "reference"
S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def settings_page() -> str:
    # A made-up folder, so that the page is the same on every machine.
    known = described(Settings(data_dir=Path("/data")))
    rows = ((f"`{s.variable}`", f"`{s.default}`" if s.default else "none", s.unit, s.meaning) for s in known)
    return f"""# Settings

Each is an environment variable; an empty one counts as not set. `buyside settings` lists them with their values.

{_table(("variable", "default", "unit", "meaning"), rows)}
"""


def permissions_page() -> str:
    rows = ((right.value, *("yes" if right in rights else "" for rights in PERMISSIONS.values())) for right in Right)
    return f"""# Permissions

What the role of an API key allows. Anything else is answered with 403 `FORBIDDEN`.

{_table(("", *PERMISSIONS), rows)}
"""


def lifecycles_page() -> str:
    words = ((f"`{word}`", action.value) for word, action in media_buys.SELLER_WORDS.items())
    return f"""# Lifecycles

Which action makes what of a status. Anything else is refused, and the refusal names the actions that are open.

## Campaign

{_diagram(campaigns.TRANSITIONS)}

{_transitions(campaigns.TRANSITIONS)}

## Media buy

{_diagram(media_buys.TRANSITIONS)}

{_transitions(media_buys.TRANSITIONS)}

`withdraw`: the seller provably holds nothing, so the buy is DRAFT again, with the reason.

Most of these actions are reports of the seller. Its word is kept beside the status and moves it as follows, where the
move is one of the above; a word that is not in the table is kept, and moves nothing.

{_table(("the seller says", "which counts as"), words)}
"""


def _steps(table: Mapping[tuple[S, A], S]) -> list[tuple[str, str, str]]:
    """(from, actions, to), one line for each pair of statuses, in the order in which the statuses are declared."""
    declared = list(type(next(iter(table.values()))))
    grouped: dict[tuple[S, S], list[str]] = {}
    for (old, action), new in table.items():
        grouped.setdefault((old, new), []).append(action.value)
    pairs = sorted(grouped, key=lambda pair: [declared.index(status) for status in pair])
    return [(old.value, ", ".join(sorted(grouped[old, new])), new.value) for old, new in pairs]


def _diagram(table: Mapping[tuple[S, A], S]) -> str:
    lines = [f"    {before} --> {after}: {actions}" for before, actions, after in _steps(table) if before != after]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> DRAFT", *lines, "```"])


def _transitions(table: Mapping[tuple[S, A], S]) -> str:
    return _table(("from", "action", "to"), _steps(table))


def commands_page() -> str:
    return f"""# Commands

What `buyside COMMAND --help` says. Every setting is an [environment variable](settings.md).

{_table(("", ""), ((f"`buyside {name}`", text) for name, text in COMMANDS.items()))}

{"".join(_helps()).rstrip()}
"""


def _helps() -> Iterator[str]:
    for name in COMMANDS:
        command: click.Command = importlib.import_module(f"buyside.cli.{name}").command
        yield _help(f"buyside {name}", command)
        if isinstance(command, click.Group):
            for below, sub in command.commands.items():
                yield _help(f"buyside {name} {below}", sub)


def _help(path: str, command: click.Command) -> str:
    names = ["-h", "--help"]
    with click.Context(
        command, info_name=path, max_content_width=100, terminal_width=100, help_option_names=names
    ) as context:
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        return f"## {path}\n\n```text\n{text}\n```\n\n"


def operations_page() -> str:
    built = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    shapes = {_shape(method, route.path.removeprefix(BASE)) for route in built for method in route.methods or ()}
    missing = [operation for operation in CONTRACT if _shape(operation.method, operation.path) not in shapes]
    return f"""# Operations

Paths are below `{BASE}`. `/openapi.json` of a running server describes each of these {len(built)} in full.

## Built

{"".join(_nouns(built)).rstrip()}

## Known, and not built yet

These {len(missing)} operations of Interchange's API answer 501 `NOT_IMPLEMENTED` with their name, and stand in no
OpenAPI document of ours.

{_table(("", "", ""), ((op.method, f"`{op.path}`", op.id) for op in missing))}
"""


def _nouns(routes: Iterable[APIRoute]) -> Iterator[str]:
    by_noun: dict[str, list[tuple[str, str, str]]] = {}
    for route in routes:
        by_noun.setdefault(str(route.tags[0]), []).append(_operation(route))
    for noun, rows in by_noun.items():
        yield f"### {noun}\n\n{_table(('', '', 'what it does'), rows)}\n\n"


def _shape(method: str, path: str) -> tuple[str, str]:
    return method, re.sub(r"{[^}]*}", "{}", path)


def _operation(route: APIRoute) -> tuple[str, str, str]:
    said = (inspect.getdoc(route.endpoint) or "").partition("\n\n")[0].replace("\n", " ")
    return ", ".join(sorted(route.methods or ())), f"`{route.path.removeprefix(BASE)}`", said


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "lifecycles.md": lifecycles_page,
    "operations.md": operations_page,
    "permissions.md": permissions_page,
    "settings.md": settings_page,
}


def stale() -> dict[Path, str]:
    """The pages whose file does not hold what the code says, and what it should hold."""
    wanted = {REFERENCE / name: page() for name, page in PAGES.items()}
    return {
        path: text for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main() -> None:
    differing = stale()
    if "--check" in sys.argv[1:]:
        if differing:
            names = ", ".join(f"docs/reference/{path.name}" for path in differing)
            sys.exit(f"{names}: no longer what the code says; run `make docs` and commit")
        return
    REFERENCE.mkdir(exist_ok=True)
    for path, text in differing.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{path.name}")


if __name__ == "__main__":
    main()
