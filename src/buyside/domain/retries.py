"""What an error of a seller allows: repeat within a budget, change the request, or call a person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from buyside.domain.answers import Recovery, SellerError


class Next(StrEnum):
    RETRY = "retry"
    CORRECT = "correct_request"
    ESCALATE = "escalate"
    STOP = "stop_retrying"


@dataclass(frozen=True)
class Tries:
    """Repeats so far, and how many are allowed."""

    made: int
    allowed: int


@dataclass(frozen=True)
class Decision:
    next: Next
    wait: int | None = None
    """At least so many seconds before the repeat; None: the seller named none, so back off by our own schedule."""


def decide(error: SellerError, tries: Tries | None) -> Decision:
    """A delay alone never permits a repeat; and what is only assumed to be transient is repeated within a budget or not
    at all, so without one (`tries` None) it goes to a person.

    Source: AdCP error handling, "recovery", and its error-recovery and transport-error-mapping vectors.
    """
    if error.recovery is Recovery.CORRECTABLE:
        return Decision(Next.CORRECT)
    if error.recovery is Recovery.TERMINAL or (tries is None and error.assumed):
        return Decision(Next.ESCALATE)
    if tries is not None and tries.made >= tries.allowed:
        return Decision(Next.STOP)
    return Decision(Next.RETRY, None if error.retry_after is None else math.ceil(error.retry_after))
