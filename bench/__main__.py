"""python -m bench: what this server costs, each figure beside a physical limit or a peer measured in the same run.

Sellers run in a process of their own. Read ratios, not milliseconds: machines differ and are shared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import calls, changes, large, pages, reads, startup, wide
from bench.sellers import shops
from bench.stage import QUICK, Effort, Section, Stage, Stores
from buyside.bootstrap.process import settle_memory
from tests.postgres import postgres
from tests.stores import PostgreSQLStores, SQLiteStores

SELLERS = 20
# Another section is a module with `async def section(stage)`, and a line here.
SECTIONS: dict[str, Section] = {
    "calls": calls.section,
    "large": large.section,
    "reads": reads.section,
    "wide": wide.section,
    "pages": pages.section,
    "changes": changes.section,
    "startup": startup.section,
}


async def run(sections: Sequence[str], effort: Effort) -> None:
    settle_memory()
    with tempfile.TemporaryDirectory(prefix="buyside-bench-") as folder, postgres(durable=True) as server:
        on_postgresql = PostgreSQLStores(server)
        both: dict[str, Stores] = {"SQLite": SQLiteStores(Path(folder)), "PostgreSQL": on_postgresql}
        async with shops(SELLERS, effort.products) as running:
            for section in sections:
                await SECTIONS[section](Stage(both, running, effort))
        on_postgresql.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"only these: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it runs")
    parser.add_argument("--campaigns", type=int, metavar="N", help="campaigns that `pages` makes (a million: minutes)")
    asked = parser.parse_args()
    if unknown := [each for each in asked.sections if each not in SECTIONS]:
        parser.error(f"there is no section {', '.join(unknown)}")
    effort = QUICK if asked.quick else Effort()
    if asked.campaigns is not None:
        if asked.campaigns < pages.SMALL:
            parser.error(f"--campaigns: {pages.SMALL} or more")
        effort = replace(effort, campaigns=asked.campaigns)
    began = time.perf_counter()
    print(f"Python {platform.python_version()} on {platform.system()}, {os.cpu_count()} cores. Read ratios.")
    asyncio.run(run(asked.sections or list(SECTIONS), effort))
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
