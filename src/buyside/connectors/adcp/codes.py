"""AdCP's error vocabulary: which codes are known, and what each allows when the seller does not say.

Source: AdCP 3.0-3.2 enums/error-code. The vocabulary is open: a code that stands here is not better than one that does
not, it only has a recovery to fall back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.domain.answers import Recovery

_TRANSIENT = """
RATE_LIMITED SERVICE_UNAVAILABLE CONFLICT IDEMPOTENCY_IN_FLIGHT CAMPAIGN_SUSPENDED GOVERNANCE_UNAVAILABLE
STALE_RESPONSE SIGNED_RESPONSE_ENVELOPE_EXPIRED
"""
_TERMINAL = """
AUTH_INVALID CONFIGURATION_ERROR ACCOUNT_NOT_FOUND ACCOUNT_PAYMENT_REQUIRED ACCOUNT_SUSPENDED BUDGET_EXHAUSTED
COMMITTED_RESOURCE_PURGED BILLING_OUT_OF_BAND AGENT_SUSPENDED AGENT_BLOCKED CREDENTIAL_IN_ARGS
"""
_CORRECTABLE = """
INVALID_REQUEST AUTH_REQUIRED AUTH_MISSING POLICY_VIOLATION PRODUCT_NOT_FOUND PRODUCT_UNAVAILABLE PRODUCT_EXPIRED
PROPOSAL_EXPIRED PROPOSAL_NOT_COMMITTED BUDGET_TOO_LOW BUDGET_EXCEEDED CREATIVE_REJECTED CREATIVE_SIZE_MISMATCH
CREATIVE_DEADLINE_EXCEEDED CREATIVE_NOT_FOUND UNSUPPORTED_FEATURE AUDIENCE_TOO_SMALL ACCOUNT_SETUP_REQUIRED
ACCOUNT_AMBIGUOUS ACCOUNT_MOVED ACCOUNT_IDENTITY_CONFLICT COMPLIANCE_UNSATISFIED GOVERNANCE_DENIED IDEMPOTENCY_CONFLICT
IDEMPOTENCY_EXPIRED INVALID_STATE MEDIA_BUY_NOT_FOUND NOT_CANCELLABLE PACKAGE_NOT_FOUND SIGNAL_NOT_FOUND
SESSION_NOT_FOUND SESSION_TERMINATED PLAN_NOT_FOUND REFERENCE_NOT_FOUND VALIDATION_ERROR IO_REQUIRED TERMS_REJECTED
REQUOTE_REQUIRED VERSION_UNSUPPORTED PERMISSION_DENIED SCOPE_INSUFFICIENT READ_ONLY_SCOPE FIELD_NOT_PERMITTED
PROVENANCE_REQUIRED PROVENANCE_DIGITAL_SOURCE_TYPE_MISSING PROVENANCE_DISCLOSURE_MISSING PROVENANCE_EMBEDDED_MISSING
PROVENANCE_VERIFIER_NOT_ACCEPTED PROVENANCE_CLAIM_CONTRADICTED BILLING_NOT_SUPPORTED BILLING_NOT_PERMITTED_FOR_AGENT
PAYMENT_TERMS_NOT_SUPPORTED BRAND_REQUIRED
"""
RECOVERY = {
    code: recovery
    for recovery, codes in (
        (Recovery.TRANSIENT, _TRANSIENT),
        (Recovery.TERMINAL, _TERMINAL),
        (Recovery.CORRECTABLE, _CORRECTABLE),
    )
    for code in codes.split()
}

# Errors that say nothing about whether the write took effect (ruling 0.3), or that say it did.
#
# IDEMPOTENCY_CONFLICT is here because it proves that the seller holds a request under our key: with other bytes than
# these, but keys are never reused, so what it holds is ours. What it holds is found by reading.
_UNSETTLED = """
IDEMPOTENCY_IN_FLIGHT IDEMPOTENCY_EXPIRED IDEMPOTENCY_CONFLICT COMMITTED_RESOURCE_PURGED
INTERNAL_ERROR INTERNAL_SERVER_ERROR UNKNOWN_ERROR TIMEOUT GATEWAY_TIMEOUT UPSTREAM_TIMEOUT
"""
UNSETTLED = frozenset(_UNSETTLED.split())


def recovery_of(error: Mapping[str, Any]) -> Recovery:
    """As stated; a word that we do not know is terminal; unstated, as the code implies, else transient."""
    stated = error.get("recovery")
    if stated is None:
        return RECOVERY.get(str(error.get("code")), Recovery.TRANSIENT)
    try:
        return Recovery(stated)
    except ValueError:
        return Recovery.TERMINAL


def is_guess(error: Mapping[str, Any]) -> bool:
    """Neither the seller nor the vocabulary says how to recover: transient is an assumption."""
    return error.get("recovery") is None and str(error.get("code")) not in RECOVERY
