"""Audiences of an advertiser, and which of them a campaign targets or leaves out (interchange.md 2.9)."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    PROCESSING = "PROCESSING"
    ERROR = "ERROR"
    READY = "READY"
    TOO_SMALL = "TOO_SMALL"
