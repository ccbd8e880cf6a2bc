"""Where log-level data is delivered: standing outputs of an advertiser, overridden by type on a campaign (2.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain.errors import Invalid, Issue, Path
from buyside.domain.ids import AdvertiserId

AT: Path = ("dataDelivery", "outputs")


class Destination(StrEnum):
    GCS = "GCS"
    S3 = "S3"
    AZURE_BLOB = "AZURE_BLOB"


class DataType(StrEnum):
    MB_DELIVERY = "MB_DELIVERY"
    IMPRESSIONS = "IMPRESSIONS"
    CLICKS = "CLICKS"
    VAST_EVENTS = "VAST_EVENTS"
    CAPI_ATTRIBUTION = "CAPI_ATTRIBUTION"
    MMP_POSTBACKS = "MMP_POSTBACKS"


class Cadence(StrEnum):
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


class Format(StrEnum):
    JSONL = "JSONL"
    PARQUET = "PARQUET"
    CSV = "CSV"


@dataclass(frozen=True)
class Credential:
    """Opens a destination of the advertiser's; outputs name it."""

    id: int
    advertiser_id: AdvertiserId
    name: str
    destination: Destination
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Output:
    """One delivery. Its id, its credential's id and its moments are None until it is stored."""

    data_type: DataType
    cadence: Cadence
    credential_name: str
    destination: Destination
    path_prefix: str = ""
    format: Format = Format.JSONL
    enabled: bool = True
    weekly_day: int | None = None
    """0 is Sunday; only of WEEKLY ones."""
    id: str | None = None
    credential_id: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def key(self) -> tuple[DataType, str]:
        return self.data_type, self.credential_name

    @property
    def wanted(self) -> Output:
        """What a person asked for, without what the store added."""
        return replace(self, id=None, credential_id=None, created_at=None, updated_at=None)


def replaced(now: Sequence[Output], given: Sequence[Output]) -> tuple[Output, ...]:
    """The given outputs in place of those there; one that stays the same stays the same one.

    Raises: Invalid for a second output of a type over one credential.
    """
    keys = [each.key for each in given]
    twice = [
        Issue((*AT, index, "credentialName"), f"{each.credential_name} delivers {each.data_type.value} twice.")
        for index, each in enumerate(given)
        if each.key in keys[:index]
    ]
    if twice:
        raise Invalid.of(twice)
    there = {each.key: each for each in now}
    return tuple(_kept(there.get(each.key), each) for each in given)


def _kept(before: Output | None, given: Output) -> Output:
    if before is None:
        return given
    if before.wanted == given:
        return before
    return replace(given, id=before.id, created_at=before.created_at)


def bound(
    outputs: Sequence[Output], before: Sequence[Output], credentials: Sequence[Credential], now: datetime
) -> tuple[Output, ...]:
    """New and changed outputs with their credentials and moments; ids are given by `numbered`.

    Raises: Invalid for a credential that is unknown or of another kind of destination.
    """
    known = {each.name: each for each in credentials}
    issues: list[Issue] = []
    made = []
    for index, output in enumerate(outputs):
        if output in before:
            made.append(output)
            continue
        credential = known.get(output.credential_name)
        if credential is None:
            issues.append(Issue((*AT, index, "credentialName"), f"There is no credential {output.credential_name}."))
        elif credential.destination is not output.destination:
            message = f"{credential.name} opens {credential.destination.value}, not {output.destination.value}."
            issues.append(Issue((*AT, index, "credentialName"), message))
        else:
            made.append(
                replace(output, credential_id=credential.id, created_at=output.created_at or now, updated_at=now)
            )
    if issues:
        raise Invalid.of(issues)
    return tuple(made)


def resolved(campaign: Sequence[Output], advertiser: Sequence[Output]) -> list[tuple[str, Output]]:
    """What holds for a campaign, each with its source: its own outputs hide the advertiser's of the same type."""
    own = {each.data_type for each in campaign}
    return [
        *(("campaign", each) for each in campaign),
        *(("advertiser", each) for each in advertiser if each.data_type not in own),
    ]


def facts(output: Output) -> dict[str, Any]:
    return {
        "outputConfigId": output.id,
        "dataDeliveryType": output.data_type.value,
        "cadence": output.cadence.value,
        "syncWeeklyDay": output.weekly_day,
        "enabled": output.enabled,
        "credentialName": output.credential_name,
        "credentialId": output.credential_id,
        "type": output.destination.value,
        "pathPrefix": output.path_prefix,
        "format": output.format.value,
        "createdAt": output.created_at and output.created_at.isoformat(),
        "updatedAt": output.updated_at and output.updated_at.isoformat(),
    }


def of_facts(written: Sequence[Mapping[str, Any]]) -> tuple[Output, ...]:
    return tuple(
        Output(
            DataType(each["dataDeliveryType"]),
            Cadence(each["cadence"]),
            each["credentialName"],
            Destination(each["type"]),
            each["pathPrefix"],
            Format(each["format"]),
            each["enabled"],
            each["syncWeeklyDay"],
            each["outputConfigId"],
            each["credentialId"],
            _at(each["createdAt"]),
            _at(each["updatedAt"]),
        )
        for each in written
    )


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
