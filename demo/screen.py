"""What a person sees: steps that turn into ticks on a terminal, plain lines elsewhere, and small tables."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TextIO

from demo.checks import Failed

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_SECONDS = 0.08
_GREEN, _RED, _DIM, _BOLD = "32", "31", "2", "1"

Say = Callable[[str], None]
Step = tuple[str, Callable[[], str]]


class Screen:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self._coloured = self._live and not os.environ.get("NO_COLOR")
        pretty = (out.encoding or "").lower().replace("-", "") == "utf8"
        self._frames = _FRAMES if pretty else "|/-\\"
        self._tick, self._cross = ("✓", "✗") if pretty else ("ok", "FAILED")

    def line(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)

    def walk(self, steps: Iterable[Step]) -> None:
        """Each step's function is called in turn and says in a few words what came of it."""
        for title, act in steps:
            with self.step(title) as say:
                say(act())

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Say]:
        """Shows that something is going on until the block ends, then what was said of it."""
        said: list[str] = []
        begun = time.monotonic()
        with self._turning(title):
            try:
                yield said.append
            except BaseException:
                self._show(self._cross, _RED, title, "", time.monotonic() - begun)
                raise
        self._show(self._tick, _GREEN, title, "; ".join(said), time.monotonic() - begun)

    def _show(self, mark: str, colour: str, title: str, said: str, seconds: float) -> None:
        self._clear()
        rest = f": {said}" if said else ""
        self.line(f"{self._in(colour, mark)} {title}{rest}{self._in(_DIM, f' ({seconds:.1f} s)')}")

    @contextlib.contextmanager
    def _turning(self, title: str) -> Iterator[None]:
        if not self._live:
            yield
            return
        over = threading.Event()
        turner = threading.Thread(target=self._turn, args=(title, over), daemon=True)
        turner.start()
        try:
            yield
        finally:
            over.set()
            turner.join()

    def _turn(self, title: str, over: threading.Event) -> None:
        number = 0
        while not over.wait(_FRAME_SECONDS):
            width = shutil.get_terminal_size().columns
            frame = self._frames[number % len(self._frames)]
            print(f"\r{frame} {title}"[:width], end="", file=self._out, flush=True)
            number += 1

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=self._out)

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._coloured and text else text

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their longest cell; those of numbers are set to the right."""
        columns = list(zip(head, *rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        numeric = [all(_is_number(cell) for cell in column[1:]) for column in columns]

        def aligned(cells: Sequence[str]) -> str:
            parts = [
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(cells, widths, numeric, strict=True)
            ]
            return "  ".join(parts).rstrip()

        self.line(f"\n{self._in(_BOLD, title)}\n")
        self.line(aligned(head))
        self.line(aligned(["-" * width for width in widths]))
        for row in rows:
            self.line(aligned(row))

    def failed(self, failed: Failed) -> None:
        self.line(f"\n{self._in(_RED, str(failed))}")
        if failed.log:
            self.line(f"\nThe last that the server logged:\n\n{failed.log}")


def _is_number(cell: str) -> bool:
    return bool(cell) and all(each in "0123456789,.%" for each in cell)
