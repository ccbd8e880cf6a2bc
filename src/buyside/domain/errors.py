"""Everything that can go wrong on purpose.

BuysideError
├── Invalid                   VALIDATION_ERROR            the request, or a rule on what it asks for
│   ├── IllegalTransition     VALIDATION_ERROR            that status does not allow this action
│   └── CurrencyMismatch      CURRENCY_MISMATCH
├── BadRequest                BAD_REQUEST                 it could not even be read
├── Unauthorized              UNAUTHORIZED
├── Forbidden                 FORBIDDEN                   role, ownership, spending limit
│   └── FeatureNotEnabled     FEATURE_NOT_ENABLED
├── NotFound                  NOT_FOUND                   unknown, or not this account's
├── Conflict                  CONFLICT
│   └── InsufficientMediaBudget  INSUFFICIENT_MEDIA_BUDGET
├── TooLarge                  PAYLOAD_TOO_LARGE
├── TooManyRequests           RATE_LIMITED                our own limit
├── NotImplementedYet         NOT_IMPLEMENTED
├── ServiceUnavailable        SERVICE_UNAVAILABLE         something that we need is down
│   └── StoreUnavailable      SERVICE_UNAVAILABLE         our own database; no platform is meant
└── PlatformError                                         a seller or an ad platform
    ├── RateLimited           SERVICE_UNAVAILABLE         theirs; nothing was done
    ├── Rejected              VALIDATION_ERROR            an authoritative no
    ├── RefusedCredentials    VALIDATION_ERROR            it does not know us
    ├── Unavailable           SERVICE_UNAVAILABLE         never reached: nothing was done
    └── OutcomeUnknown        SERVICE_UNAVAILABLE         may have taken effect: never repeated blindly
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

Recovery = Literal["transient", "correctable", "terminal"]
Path = tuple[str | int, ...]

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def dotted(path: Sequence[str | int]) -> str:
    """("mediaBuys", 0, "name") as people write it: "mediaBuys[0].name"."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def undotted(field: str) -> Path:
    return tuple(int(index) if index else key for key, index in _STEP.findall(field))


@dataclass(frozen=True)
class Issue:
    """One finding about a request. `code` is a short word such as "too_small", "invalid" when there is none better."""

    path: Path
    message: str
    code: str = "invalid"


class BuysideError(Exception):
    """The request could not be carried out."""

    code: ClassVar[str]
    recovery: ClassVar[Recovery]

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
        issues: Iterable[Issue] = (),
    ) -> None:
        doc = type(self).__doc__ or ""
        self.message = message or doc.partition("\n")[0]
        self.field = field
        self.details = dict(details or {})
        self.issues = tuple(issues)
        super().__init__(self.message)


class Invalid(BuysideError):
    """The request is not valid."""

    code: ClassVar[str] = "VALIDATION_ERROR"
    recovery: ClassVar[Recovery] = "correctable"

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
        issues: Iterable[Issue] = (),
    ) -> None:
        super().__init__(message, field=field, details=details, issues=issues)
        if self.issues and self.field is None:
            self.field = dotted(self.issues[0].path) or None
        elif self.field and not self.issues:
            self.issues = (Issue(undotted(self.field), self.message),)

    @classmethod
    def of(cls, issues: Sequence[Issue]) -> Self:
        """Every finding at once: the first speaks, the others are counted."""
        first, more = issues[0], len(issues) - 1
        where = f"{dotted(first.path)}: " if first.path else ""
        also = "" if not more else " (and 1 more problem)" if more == 1 else f" (and {more} more problems)"
        return cls(f"{where}{first.message}{also}", issues=issues)


class IllegalTransition(Invalid):
    """The current status does not allow this action."""

    def __init__(self, status: str, action: str, allowed: Iterable[str] = (), *, message: str | None = None) -> None:
        self.status, self.action, self.allowed = status, action, tuple(allowed)
        may = ", ".join(self.allowed) or "nothing"
        details = {"status": status, "action": action, "allowedActions": list(self.allowed)}
        super().__init__(message or f"{action} is not possible while {status}; possible now: {may}.", details=details)

    def as_conflict(self) -> Conflict:
        """The same refusal on the routes whose contract says 409."""
        return Conflict(self.message, field=self.field, details=self.details)


class CurrencyMismatch(Invalid):
    """The currency differs from the advertiser's."""

    code = "CURRENCY_MISMATCH"


class BadRequest(BuysideError):
    """The request could not be read."""

    code = "BAD_REQUEST"
    recovery = "correctable"


class Unauthorized(BuysideError):
    """A valid API key is required."""

    code = "UNAUTHORIZED"
    recovery = "correctable"


class Forbidden(BuysideError):
    """This key may not do that."""

    code = "FORBIDDEN"
    recovery = "terminal"


class FeatureNotEnabled(Forbidden):
    """This feature is not enabled on this server."""

    code = "FEATURE_NOT_ENABLED"


class NotFound(BuysideError):
    """Nothing with this id is visible to this account."""

    code = "NOT_FOUND"
    recovery = "correctable"


class Conflict(BuysideError):
    """The current state does not allow it."""

    code = "CONFLICT"
    recovery = "correctable"


class InsufficientMediaBudget(Conflict):
    """The total cannot cover what is already allocated."""

    code = "INSUFFICIENT_MEDIA_BUDGET"


class TooLarge(BuysideError):
    """The request body is larger than this server accepts."""

    code = "PAYLOAD_TOO_LARGE"
    recovery = "correctable"


class TooManyRequests(BuysideError):
    """Too many requests; wait and try again."""

    code = "RATE_LIMITED"
    recovery = "transient"

    def __init__(self, retry_after: int, message: str | None = None) -> None:
        """`retry_after` in whole seconds."""
        self.retry_after = retry_after
        super().__init__(message, details={"retryAfter": retry_after})


class NotImplementedYet(BuysideError):
    """This server does not do that yet."""

    code = "NOT_IMPLEMENTED"
    recovery = "terminal"


class ServiceUnavailable(BuysideError):
    """Something that this server needs is down; try again shortly."""

    code = "SERVICE_UNAVAILABLE"
    recovery = "transient"


class StoreUnavailable(ServiceUnavailable):
    """This server cannot reach its store; try again shortly."""

    retry_after = 5
    """Seconds."""

    def __init__(self, message: str | None = None, *, cause: str = "") -> None:
        """`cause`: the database's own words, for whoever runs this server. They are not shown to a caller."""
        self.cause = cause
        super().__init__(message)


class PlatformError(BuysideError):
    """A seller or an ad platform could not do it."""

    code: ClassVar[str] = "SERVICE_UNAVAILABLE"
    recovery: ClassVar[Recovery] = "transient"


class RateLimited(PlatformError):
    """The seller asks us to slow down; nothing was done."""

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        """`retry_after` in seconds; None when the seller gave none."""
        self.retry_after = retry_after
        super().__init__(message, details={} if retry_after is None else {"retryAfter": retry_after})


class Rejected(PlatformError):
    """The seller refused."""

    code = "VALIDATION_ERROR"
    recovery = "correctable"


class RefusedCredentials(PlatformError):
    """The seller does not accept our credentials."""

    code = "VALIDATION_ERROR"
    recovery = "correctable"


class Unavailable(PlatformError):
    """The seller could not be reached; nothing was done."""


class OutcomeUnknown(PlatformError):
    """The call may have taken effect; its outcome has to be read before anything is repeated."""
