"""What an answer or a reading makes of a buy: rulings 0.2, 0.3 and 0.5 of interchange.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest

from buyside.domain import campaigns, settling
from buyside.domain.answers import Answer, Outcome, Recovery, SellerError
from buyside.domain.ids import OperationId
from buyside.domain.media_buys import (
    MediaBuy,
    PausedBy,
    Pending,
    PendingAt,
    PendingReason,
    Status,
)
from buyside.domain.orders import ObservedPackage
from tests.domain.values import END, NOW, START, a_buy, a_campaign, a_package, observed

LATER = NOW + timedelta(minutes=5)


def sent(**more: Any) -> MediaBuy:
    return replace(settling.dispatched(a_buy(**more), NOW), operation_id=OperationId("op_1"))


def test_a_buy_on_its_way_is_pending_at_the_agent_and_may_not_be_touched() -> None:
    buy = sent()
    assert buy.pending == Pending(PendingAt.SALES_AGENT, PendingReason.RETRYING, NOW)
    assert (buy.status, buy.unsettled, buy.forwarded_at) == (Status.PENDING_APPROVAL, True, NOW)


def test_an_unknown_outcome_is_not_draft_and_keeps_its_operation() -> None:
    buy = settling.unknown(sent(), "no answer", LATER)
    assert buy.pending == Pending(PendingAt.UNKNOWN, PendingReason.RETRYING, NOW)
    assert (buy.status, buy.unsettled) == (Status.PENDING_APPROVAL, True)


def test_a_refusal_leaves_draft_with_the_reason() -> None:
    no = Answer(Outcome.REJECTED, error=SellerError("BUDGET_TOO_LOW", "too low", Recovery.CORRECTABLE))
    done = settling.placed(sent(), no, None, LATER)
    assert done.failed == "too low"
    assert done.buy.trouble is not None
    assert (done.buy.status, done.buy.unsettled, done.buy.pending) == (Status.DRAFT, False, None)
    assert (done.buy.trouble.code, done.buy.trouble.owner) == ("invalid_request", "buyer_input")


def test_an_immediate_rejected_is_a_refusal_too() -> None:
    buy = sent()
    done = settling.placed(buy, Answer(Outcome.ACCEPTED), observed(buy, "rejected", message="brand unsafe"), LATER)
    assert (done.buy.status, done.failed) == (Status.DRAFT, "brand unsafe")


def test_rejected_later_is_rejected() -> None:
    waiting = replace(sent(), operation_id=None)
    assert settling.seen(waiting, observed(waiting, "rejected"), LATER).status is Status.REJECTED


@pytest.mark.parametrize(
    ("code", "recovery", "reached", "expected"),
    [
        ("RATE_LIMITED", Recovery.TRANSIENT, True, "source_unavailable"),
        ("whatever", Recovery.CORRECTABLE, False, "source_unavailable"),
        ("PRODUCT_NOT_FOUND", Recovery.CORRECTABLE, True, "product_no_longer_available"),
        ("AUTH_INVALID", Recovery.TERMINAL, True, "platform_error"),
        ("SOMETHING_NEW", Recovery.TERMINAL, True, "source_rejected"),
        ("SOMETHING_NEW", Recovery.TRANSIENT, True, "source_unavailable"),
    ],
)
def test_a_no_is_told_in_the_buyers_words(code: str, recovery: Recovery, reached: bool, expected: str) -> None:
    answer = Answer(Outcome.REJECTED, error=SellerError(code, "no", recovery), reached=reached)
    assert settling.refusal(answer).code == expected


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("active", Status.ACTIVE, None),
        ("paused", Status.PAUSED, None),
        ("pending_creatives", Status.PENDING_APPROVAL, PendingReason.NO_CREATIVES),
        ("pending_start", Status.PENDING_APPROVAL, PendingReason.SCHEDULED),
        ("pending_approval", Status.PENDING_APPROVAL, PendingReason.SOURCE_MODERATION),
        ("input-required", Status.INPUT_REQUIRED, PendingReason.NEEDS_CORRECTION),
        ("completed", Status.COMPLETED, None),
        ("canceled", Status.CANCELED, None),
        ("never heard of", Status.PENDING_APPROVAL, PendingReason.TRAFFICKING),
        (None, Status.PENDING_APPROVAL, PendingReason.TRAFFICKING),
    ],
)
def test_an_accepted_buy_takes_the_sellers_word(word: str | None, status: Status, reason: PendingReason | None) -> None:
    buy = sent()
    done = settling.placed(buy, Answer(Outcome.ACCEPTED), observed(buy, word), LATER)
    assert done.failed is None
    assert (done.buy.status, done.buy.unsettled, done.buy.seller_buy_id) == (status, False, "seller_1")
    assert (done.buy.pending.reason if done.buy.pending else None) is reason
    assert done.read == (word is None)


def test_a_task_is_waited_for() -> None:
    done = settling.placed(sent(), Answer(Outcome.PENDING, task_id="t1"), None, LATER)
    assert (done.buy.status, done.buy.task_id, done.buy.unsettled) == (Status.PENDING_APPROVAL, "t1", False)


def test_a_question_asks_for_input() -> None:
    done = settling.placed(sent(), Answer(Outcome.NEEDS_INPUT, {"message": "which IO?"}), None, LATER)
    assert (done.buy.status, done.buy.trouble.message if done.buy.trouble else "") == (
        Status.INPUT_REQUIRED,
        "which IO?",
    )


def test_a_replayed_answer_is_read_again() -> None:
    buy = sent()
    assert settling.placed(buy, Answer(Outcome.ACCEPTED, replayed=True), observed(buy), LATER).read


@pytest.mark.parametrize("status", ["active", "paused", "pending_start"])
def test_what_is_over_stays_over_whatever_a_seller_says(status: str) -> None:
    buy = a_buy(Status.CANCELED)
    assert settling.seen(buy, observed(buy, status), LATER).status is Status.CANCELED


def test_packages_are_matched_by_our_reference_whatever_their_order() -> None:
    buy = sent(packages=(a_package("p1", product_id="same"), a_package("p2", product_id="same")))
    theirs = tuple(ObservedPackage(f"s_{ref}", "same", ref) for ref in ("p2", "p1"))
    after = settling.seen(buy, observed(buy, packages=theirs), LATER)
    assert [p.package_id for p in after.packages] == ["s_p1", "s_p2"]


def test_packages_without_reference_are_matched_by_product_or_position() -> None:
    buy = sent(packages=(a_package("p1"), a_package("p2")))
    by_product = (ObservedPackage("x2", "prod_p2"), ObservedPackage("x1", "prod_p1"))
    assert [p.package_id for p in settling.seen(buy, observed(buy, packages=by_product), LATER).packages] == [
        "x1",
        "x2",
    ]
    by_place = (ObservedPackage("y1"), ObservedPackage("y2"))
    assert [p.package_id for p in settling.seen(buy, observed(buy, packages=by_place), LATER).packages] == ["y1", "y2"]


# ---- what must not serve

C: TypeAlias = campaigns.Status


@pytest.mark.parametrize(
    ("campaign", "by", "expected"),
    [
        (C.ACTIVE, None, False),
        (C.ACTIVE, PausedBy.SELLER, False),
        (C.ACTIVE, PausedBy.CAMPAIGN, False),
        (C.ACTIVE, PausedBy.PERSON, True),
        (C.ACTIVE, PausedBy.GUARD, True),
        (C.ACTIVE, PausedBy.STOP, True),
        (C.PAUSED, None, True),
        (C.ARCHIVED, None, True),
        (C.COMPLETED, None, True),
        (C.CANCELED, None, True),
    ],
)
def test_who_wants_a_running_buy_paused(campaign: C, by: PausedBy | None, expected: bool) -> None:
    assert settling.wants_pause(a_buy(Status.ACTIVE, paused_by=by), campaign) is expected


def test_only_what_the_campaign_paused_resumes_with_it() -> None:
    held = {by: settling.wants_resume(a_buy(Status.PAUSED, paused_by=by), C.ACTIVE) for by in PausedBy}
    assert [by for by, resumes in held.items() if resumes] == [PausedBy.CAMPAIGN]
    assert not settling.wants_resume(a_buy(Status.PAUSED, paused_by=PausedBy.CAMPAIGN), C.PAUSED)


def test_a_person_s_pause_outlasts_a_seller_that_starts_again() -> None:
    buy = a_buy(Status.PAUSED, paused_by=PausedBy.PERSON)
    assert settling.seen(buy, observed(buy), LATER).paused_by is PausedBy.PERSON
    sellers = a_buy(Status.PAUSED, paused_by=PausedBy.SELLER)
    assert settling.seen(sellers, observed(sellers), LATER).paused_by is None


# ---- the money guard


def test_a_buy_booked_as_asked_has_no_mismatch() -> None:
    buy = sent()
    assert settling.mismatches(buy, observed(buy)) == []


def test_silence_is_no_mismatch() -> None:
    buy = sent()
    quiet = observed(buy, currency=None, end=None, start=None, packages=(ObservedPackage("s1", None, "p1"),))
    assert settling.mismatches(buy, quiet) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"currency": "EUR"}, "booked in EUR"),
        ({"end": END + timedelta(days=1)}, "ends"),
        ({"start": START + timedelta(hours=1)}, "starts"),
        ({"packages": (ObservedPackage("s", None, "p1", budget=Decimal(200)),)}, "budget 200"),
        ({"packages": (ObservedPackage("s", None, "p1", currency="EUR"),)}, "booked in EUR"),
        ({"packages": (ObservedPackage("s", None, "p1", pricing_option_id="other"),)}, "pricing option other"),
        ({"packages": (ObservedPackage("s", None, "p1", price=Decimal(6)),)}, "price 6"),
    ],
)
def test_a_buy_booked_otherwise_is_found_out(change: dict[str, Any], says: str) -> None:
    buy = sent()
    (finding,) = settling.mismatches(buy, observed(buy, **change))
    assert says in finding


def test_the_seller_is_compared_with_the_media_part_not_the_gross() -> None:
    buy = sent(fee_percent=Decimal(20))
    asked = (ObservedPackage("s", None, "p1", budget=Decimal(80)),)
    assert settling.mismatches(buy, observed(buy, packages=asked)) == []


def test_a_start_that_was_sent_as_asap_may_come_back_as_any_date() -> None:
    buy = sent(start=NOW - timedelta(days=1))
    assert settling.mismatches(buy, observed(buy, start=NOW)) == []


# ---- the campaign's end


@pytest.mark.parametrize(
    ("statuses", "after"),
    [
        ([Status.COMPLETED, Status.CANCELED], C.COMPLETED),
        ([Status.CANCELED, Status.CANCELED], C.CANCELED),
        ([Status.COMPLETED, Status.ACTIVE], C.ACTIVE),
        ([Status.COMPLETED, Status.DRAFT], C.ACTIVE),
        ([Status.REJECTED], C.ACTIVE),
        ([Status.ARCHIVED], C.ACTIVE),
        ([], C.ACTIVE),
    ],
)
def test_a_campaign_ends_with_its_last_buy(statuses: list[Status], after: C) -> None:
    assert settling.campaign_after(a_campaign(C.ACTIVE), [a_buy(s) for s in statuses]).status is after
