"""What was measured, and how it is printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Took:
    """Seconds. `cpu` is this process's own, all its threads together."""

    wall: float
    cpu: float


async def timed(act: Callable[[], Awaitable[object]]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    await act()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


async def repeated(act: Callable[[], Awaitable[object]], times: int, *, batches: int = 5, seconds: float = 2.0) -> Took:
    """The median over batches of what one act took. A first one, not counted, warms up.

    At the most `times`; fewer, but one a batch, when they would take longer than some `seconds`.
    """
    first = await timed(act)
    each = max(1, int(min(times, seconds / max(first.wall, 1e-6))) // batches)

    async def batch() -> None:
        for _ in range(each):
            await act()

    took = [await timed(batch) for _ in range(batches)]
    return Took(statistics.median(t.wall for t in took) / each, statistics.median(t.cpu for t in took) / each)


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"


def us(seconds: float) -> str:
    return f"{seconds * 1_000_000:,.0f} µs"


def times(ratio: float) -> str:
    return f"{ratio:.1f}×" if ratio < 100 else f"{ratio:,.0f}×"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *notes: str) -> None:
    """A table: the first column to the left, the figures to the right."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    print(f"\n{title}\n")
    for line in (head, *rows):
        first, *rest = (
            text.ljust(width) if n == 0 else text.rjust(width) for n, (text, width) in _numbered(line, widths)
        )
        print("  " + "   ".join((first, *rest)).rstrip())
    for note in notes:
        print(f"  {note}")


def _numbered(line: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[int, tuple[str, int]]]:
    return enumerate(zip(line, widths, strict=True))
