"""The census of the documented answers: in which test each of their paths was seen with a value.

`--census=FILE` writes it as a table. In a run of the whole suite a path that was not seen fails the run, unless it
stands in WAITING.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.documented import ANSWERS, kinds, seen

Paths = dict[str, dict[str, str]]
"""Operation to path to the first test that saw it."""

_UPLOADED = (
    "format_id.duration_ms",
    "target_format_ids[].width",
    "target_format_ids[].height",
    "target_format_ids[].duration_ms",
    "preview_url",
    "html_processing",
    "auto_detected_template",
    "creative_manifest",
    "sync_status.last_synced_at",
    "tracking",
    "frequencyCaps",
)
WAITING: Mapping[str, Mapping[str, str]] = {
    "updateCampaign": {"campaign.propertyLists": "lists are shown where they are asked for, which an update cannot"},
    "createCreativeManifest": dict.fromkeys(_UPLOADED, "uploaded creatives"),
}
"""Operation to the beginning of paths to what they wait for."""


@dataclass
class PathCensus:
    found: Paths = field(default_factory=dict)

    def take(self, operation: str, payload: object) -> None:
        """Raises: AssertionError for a documented path with a value of another kind."""
        shape = ANSWERS.get(operation)
        if shape is None:
            return
        test = os.environ.get("PYTEST_CURRENT_TEST", "").removesuffix(" (call)")
        paths = self.found.setdefault(operation, {})
        for path, _ in seen(payload, shape):
            paths.setdefault(path, test)

    def merge(self, other: Paths) -> None:
        for operation, paths in other.items():
            self.found[operation] = {**paths, **self.found.get(operation, {})}

    def rows(self) -> Iterator[tuple[str, str, str | None, str | None]]:
        """Operation, path, the test that saw it, what it waits for."""
        for operation, shape in ANSWERS.items():
            waits = WAITING.get(operation, {})
            for path, _ in kinds(shape):
                waiting = next((why for begin, why in waits.items() if path.startswith(begin)), None)
                yield operation, path, self.found.get(operation, {}).get(path), waiting

    def unseen(self) -> list[str]:
        return [f"{operation} {path}" for operation, path, test, waits in self.rows() if test is None and waits is None]

    def line(self) -> str:
        rows = list(self.rows())
        there, waits = sum(bool(row[2]) for row in rows), sum(bool(row[3]) for row in rows)
        return f"documented answers: {there} of {len(rows)} paths seen with a value, {waits} wait"

    def write(self, target: Path) -> None:
        rows = [f"| {o} | `{p}` | {t or (f'waits: {w}' if w else 'not seen yet')} |" for o, p, t, w in self.rows()]
        target.write_text("\n".join([self.line(), "", "| Operation | Path | Seen in |", "|---|---|---|", *rows, ""]))
