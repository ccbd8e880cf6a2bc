"""What the documents say is what the code does, as far as that can be looked up."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buyside.cli import COMMANDS
from buyside.cli.stop import KEY_VARIABLE, URL_VARIABLE
from buyside.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OF_CALLERS = {URL_VARIABLE, KEY_VARIABLE}
REFERENCE = DOCS / "reference"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_reference_is_what_the_code_says() -> None:
    check = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_what_exists(page: Path) -> None:
    text = text_of(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if not re.match(r"[a-z]+:", target):
            linked = (page.parent / name).resolve() if name else page
            assert linked.exists(), f"{target} leads nowhere"
            assert not anchor or anchor in anchors(text_of(linked)), f"{target} leads to no heading"
    variables = {PREFIX + name.upper() for name in Settings.model_fields} | {"BUYSIDE_CONTRACT_DIR", *OF_CALLERS}
    assert set(re.findall(r"BUYSIDE_[A-Z_]*[A-Z]", text)) <= variables
    typed = commands_in(text)
    assert set(re.findall(r"(?<![\w.-])buyside ([a-z]+)", typed)) <= set(COMMANDS)
    assert set(re.findall(r"(?<![\w.-])make ([a-z-]+)", typed)) <= recipes()


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_in(text: str) -> str:
    """Code, in blocks and in lines."""
    return "\n".join(re.findall(r"^```(?:bash|console)\n.*?^```|(?<!`)`[^`\n]+`", text, re.DOTALL | re.MULTILINE))


def recipes() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE))


def test_the_readme_lists_every_command() -> None:
    assert re.findall(r"^\| `buyside (\w+)`", text_of(ROOT / "README.md"), re.MULTILINE) == list(COMMANDS)


def test_the_permissions_in_the_howto_are_those_of_the_reference() -> None:
    table = re.search(r"^\|.*\|$", text_of(REFERENCE / "permissions.md"), re.MULTILINE | re.DOTALL)
    assert table is not None
    assert table[0] in text_of(DOCS / "howto" / "roles-and-limits.md")


def test_every_decision_is_listed_and_numbered() -> None:
    pages = sorted(page for page in (DOCS / "adr").glob("*.md") if page.name != "README.md")
    rows = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", text_of(DOCS / "adr" / "README.md"), re.MULTILINE)
    assert [name for _, name, _ in rows] == [page.name for page in pages]
    for number, (page, (listed, _, title)) in enumerate(zip(pages, rows, strict=True), start=1):
        assert page.name.startswith(f"{number:04}-")
        assert listed == f"{number:04}"
        assert text_of(page).startswith(f"# {number:04}. {title}\n")
        assert re.findall(r"^## (.+)$", text_of(page), re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ]


def test_the_code_refers_to_decisions_that_there_are() -> None:
    there = {page.name[:4] for page in (DOCS / "adr").glob("[0-9]*.md")}
    for path in (ROOT / "src").rglob("*.py"):
        assert set(re.findall(r"\bADR (\d{4})", text_of(path))) <= there, path


def test_the_first_campaign_is_walked_with_the_lines_that_the_demo_prints() -> None:
    blocks = re.findall(
        r"^```bash\n(.*?)^```$", text_of(DOCS / "howto" / "first-campaign.md"), re.MULTILINE | re.DOTALL
    )
    assert "\n".join(blocks) == text_of(ROOT / "demo" / "by_hand.sh")


def test_the_howtos_call_operations_that_are_built() -> None:
    built = text_of(REFERENCE / "operations.md").partition("## Known, and not built yet")[0]
    known = {
        (method, shape(path))
        for methods, path in re.findall(r"^\| ([A-Z, ]+) \| `([^`]+)` \|", built, re.MULTILINE)
        for method in methods.split(", ")
    }
    for page in (ROOT / "README.md", *(DOCS / "howto").glob("*.md")):
        for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]*)", text_of(page)):
            if not path.startswith(("/api/v2/", "/openapi", "/health")):
                assert (method, shape(path)) in known, f"{page.name}: {method} {path}"


def shape(path: str) -> str:
    """Without the names or the values of what stands in the path."""
    return re.sub(r"\{[^}]*\}|\$\w+|(?<=/)\d+(?=/|$)|(?<=/)source-1(?=/)", "{}", path.rstrip("/"))


def test_the_grid_shows_the_files_that_there_are() -> None:
    head, *rows = table_after("## The grid")
    floors = dict(enumerate(cell.strip() for cell in head[1:]))
    shown: dict[str, set[str]] = {floor: set() for floor in floors.values()}
    for row in rows:
        for column, cell in enumerate(row[1:]):
            shown[floors[column]] |= set(re.findall(r"`(\w+)`", cell))
    for floor, nouns in shown.items():
        assert nouns <= set(modules(floor)), f"{floor}: there is no such file"
    assert set(modules("services")) - shown["services"] <= {"__init__", "work", "seal"}, "a noun is missing in the grid"


def table_after(heading: str) -> list[list[str]]:
    below = text_of(ROOT / "ARCHITECTURE.md").partition(heading)[2].strip().splitlines()
    lines = [line for line in below[: below.index("")] if not line.startswith("|---")]
    return [line.strip("|").split("|") for line in lines]


def modules(floor: str) -> Iterator[str]:
    folder = ROOT / "src" / "buyside" / floor
    for path in folder.iterdir():
        if path.suffix == ".py" or (path / "__init__.py").exists():
            yield path.stem
