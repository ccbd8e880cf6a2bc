"""Writes docs/reference/ from the code: `make docs`. With --check it writes nothing and fails on any difference."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from buyside.domain.accounts import PERMISSIONS, Right
from buyside.settings import Settings, described

REFERENCE = Path(__file__).parent / "reference"


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


PAGES: dict[str, Callable[[], str]] = {
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
