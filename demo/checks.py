"""What has to hold, and what is said when it does not."""

from __future__ import annotations

from dataclasses import dataclass


class Failed(Exception):
    """The demo stops here. `log`: the server's last lines, where there is a server."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@dataclass
class Checks:
    held: int = 0

    def __call__(self, true: bool, claim: str) -> None:
        """Raises: Failed with the claim that is not true."""
        if not true:
            raise Failed(f"This does not hold: {claim}")
        self.held += 1
