"""What the seller says no with: an AdCP error code, and how the buyer may recover."""

from __future__ import annotations

from typing import Any

# Source: AdCP 3.1, enums/error-code.json. What is not listed here is correctable.
TRANSIENT = frozenset({"RATE_LIMITED", "SERVICE_UNAVAILABLE", "CONFLICT", "IDEMPOTENCY_IN_FLIGHT"})
TERMINAL = frozenset({"ACCOUNT_NOT_FOUND", "ACCOUNT_SUSPENDED", "ACCOUNT_PAYMENT_REQUIRED", "AUTH_INVALID"})


def recovery(code: str) -> str:
    return "transient" if code in TRANSIENT else "terminal" if code in TERMINAL else "correctable"


class Refusal(Exception):
    """The seller will not do it."""

    commits = False
    """What was written on the way to it stays."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.more = {name: value for name, value in more.items() if value is not None}

    def doc(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "recovery": recovery(self.code), **self.more}


class Overtaken(Refusal):
    """Somebody else changed it first, and that change stays."""

    commits = True
