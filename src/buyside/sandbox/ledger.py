"""What the seller must not forget: documents, answers by idempotency key, and the log of calls. One SQLite file.

Every answer is committed before its first byte leaves; with no file everything is in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buyside.sandbox import Doc, codec

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS documents_by_owner ON documents (kind, owner);
CREATE TABLE IF NOT EXISTS answers (
    principal TEXT NOT NULL, tool TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, body TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (principal, tool, key)
);
CREATE TABLE IF NOT EXISTS calls (
    n INTEGER PRIMARY KEY AUTOINCREMENT, tool TEXT NOT NULL, body TEXT NOT NULL, outcome TEXT, duration_ms INTEGER
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Stored:
    """An answer that was given before, under the same key."""

    fingerprint: str
    answer: Doc
    at: str


class Ledger:
    def __init__(self, path: Path | None = None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # NORMAL in WAL outlives the process, which is what a test can kill; only the machine's power would lose more.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nothing awaits inside, so calls never interleave."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(self, kind: str, identity: str, doc: Doc, *, owner: str = "") -> None:
        """`owner`: by what it is looked for together with others, such as an account."""
        self._db.execute(
            "INSERT INTO documents (kind, id, owner, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, identity, owner, codec.dumps(doc)),
        )

    def get(self, kind: str, identity: str) -> Doc | None:
        row = self._db.execute("SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, identity)).fetchone()
        return _doc(row[0]) if row else None

    def drop(self, kind: str, identity: str) -> None:
        self._db.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, identity))

    def all(self, kind: str, *, owner: str | None = None) -> list[Doc]:
        """In the order in which they were first put."""
        asked = "SELECT body FROM documents WHERE kind = ? ORDER BY number"
        if owner is None:
            return [_doc(body) for (body,) in self._db.execute(asked, (kind,))]
        asked = "SELECT body FROM documents WHERE kind = ? AND owner = ? ORDER BY number"
        return [_doc(body) for (body,) in self._db.execute(asked, (kind, owner))]

    def next_number(self, name: str) -> int:
        (number,) = self._db.execute(
            "INSERT INTO counters (name, value) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(number)

    def remember(self, principal: str, tool: str, key: str, stored: Stored) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO answers (principal, tool, key, fingerprint, body, at) VALUES (?, ?, ?, ?, ?, ?)",
            (principal, tool, key, stored.fingerprint, codec.dumps(stored.answer), stored.at),
        )

    def recall(self, principal: str, tool: str, key: str) -> Stored | None:
        row = self._db.execute(
            "SELECT fingerprint, body, at FROM answers WHERE principal = ? AND tool = ? AND key = ?",
            (principal, tool, key),
        ).fetchone()
        return Stored(row[0], _doc(row[1]), row[2]) if row else None

    def open_call(self, tool: str, body: Doc) -> int:
        cursor = self._db.execute("INSERT INTO calls (tool, body) VALUES (?, ?)", (tool, codec.dumps(body)))
        return int(cursor.lastrowid or 0)

    def close_call(self, n: int, outcome: str, duration_ms: int) -> None:
        self._db.execute("UPDATE calls SET outcome = ?, duration_ms = ? WHERE n = ?", (outcome, duration_ms, n))

    def calls(self, since: int = 0) -> list[Doc]:
        """Those with a number above `since`; one without an outcome is in flight, or was when the process died."""
        rows = self._db.execute(
            "SELECT n, tool, body, outcome, duration_ms FROM calls WHERE n > ? ORDER BY n", (since,)
        )
        return [
            {"n": n, "tool": tool, **_doc(body), "outcome": outcome, "duration_ms": duration}
            for n, tool, body, outcome, duration in rows
        ]

    def counts(self) -> dict[str, int]:
        rows = self._db.execute("SELECT tool, COUNT(*) FROM calls GROUP BY tool ORDER BY tool")
        return {tool: int(count) for tool, count in rows}

    def clear(self) -> None:
        for table in ("documents", "answers", "calls", "counters"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are ours.


def _doc(text: str) -> Doc:
    doc: Any = codec.loads(text)
    assert isinstance(doc, dict)
    return doc
