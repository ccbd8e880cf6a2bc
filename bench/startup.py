"""How long commands take to start, and how much memory they hold, beside Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import median, ms, show, times
from bench.stage import Stage

STARTED = Path(__file__).with_name("started.py")
LIBRARIES = "alembic, cryptography, fastapi, httpx, procrastinate, psycopg, sqlalchemy.ext.asyncio, uvicorn"
COMMANDS = (
    ("python -c pass", ["-c", "pass"]),
    ("buyside --help", ["-m", "buyside", "--help"]),
    ("import the libraries that serve stands on", ["-c", f"import {LIBRARIES}"]),
    ("import all that serve needs", ["-c", "import buyside.bootstrap.surface"]),
)
SERVE = ["-m", "buyside", "serve", "--port", "0"]


@dataclass(frozen=True)
class Started:
    """Seconds, and mebibytes at the most."""

    wall: float
    cpu: float
    memory: float


async def section(stage: Stage) -> None:
    runs = stage.effort.starts
    started = {name: _median(command, runs) for name, command in COMMANDS}
    started["buyside serve, until it listens"] = _median(SERVE, runs, until="listening on")
    python = next(iter(started.values()))
    show(
        f"Starting, medians of {runs}",
        ["", "wall", "÷ python", "CPU", "most memory", "÷ python"],
        [
            [
                name,
                ms(each.wall),
                times(each.wall / python.wall),
                ms(each.cpu),
                f"{each.memory:.0f} MiB",
                times(each.memory / python.memory),
            ]
            for name, each in started.items()
        ],
        "serve: an SQLite store that has to be made first; its CPU is with its end.",
    )


def _median(command: Sequence[str], runs: int, until: str | None = None) -> Started:
    done = [_run(command, until) for _ in range(runs)]
    return Started(median(d.wall for d in done), median(d.cpu for d in done), median(d.memory for d in done))


def _run(command: Sequence[str], until: str | None) -> Started:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BUYSIDE_")}
    stop = ["--until", until] if until else []
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            [sys.executable, "-I", "-S", STARTED, *stop, sys.executable, *command],
            env={**kept, "BUYSIDE_DATA_DIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if said.returncode:
        raise RuntimeError(said.stderr)
    wall, cpu, memory = map(float, said.stdout.split())
    return Started(wall, cpu, memory / 1024 / (1024 if sys.platform == "darwin" else 1))
