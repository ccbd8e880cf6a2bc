"""`python -m demo`: exits 0 only when every step really held."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from demo.checks import Failed
from demo.journey import Journey
from demo.screen import Screen
from demo.server import serving

BY_HAND = Path(__file__).with_name("by_hand.sh")


def _asked_to_end(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def show(screen: Screen) -> int:
    """The exit code."""
    begun = time.monotonic()
    try:
        with serving(screen) as server:
            journey = Journey(server)
            screen.walk(journey.steps())
            screen.table("Media buys, as the API shows them and the sellers confirm", *journey.media_buys())
            screen.table("Decision log: GET /decisions", *journey.decisions())
    except Failed as failed:
        screen.failed(failed)
        return 1
    except KeyboardInterrupt:
        screen.line("\nStopped; nothing is left running.")
        return 130
    screen.line(f"\n{journey.checks.held} checks held in {time.monotonic() - begun:.1f} s.")
    screen.line(f"\nThe same by hand, with curl:\n\n{BY_HAND.read_text(encoding='utf-8').rstrip()}")
    return 0


def main() -> int:
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _asked_to_end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        return show(Screen(sys.stdout))
    except BrokenPipeError:
        # Nobody reads on, as after `| head`: the interpreter must not fail at flushing, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
