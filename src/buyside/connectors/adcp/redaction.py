"""Keeps secrets out of what is shown or written down: by the name of their key, and by their own text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[redacted]"
MAX_TEXT = 20_000
MIN_SECRET = 6
"""Characters: shorter texts stand in ordinary words too, and hiding those would only garble."""

_SECRET_KEY = re.compile(
    r"^(authorization|proxy-authorization|cookie|set-cookie|authentication|credentials?|password|passwd|secret"
    r"|client_secret|private_key|bearer|mcp-session-id)$|api[-_]?key|token$|^x-.*(auth|key|secret)",
    re.IGNORECASE,
)


def is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


class Redactor:
    """For one seller: its own credentials are hidden wherever they appear, also when it echoes them."""

    def __init__(self, secrets: Iterable[str] = (), headers: Iterable[str] = ()) -> None:
        self._secrets = sorted({each for each in secrets if len(each) >= MIN_SECRET}, key=len, reverse=True)
        self._headers = {each.lower() for each in headers}

    def text(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, HIDDEN)
        return said if len(said) <= MAX_TEXT else said[:MAX_TEXT] + "…"

    def spoken(self, value: Any) -> Any:
        """What a seller said, whole, but for our own credentials that it repeats."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, Mapping):
            return {self.spoken(key): self.spoken(each) for key, each in value.items()}
        return [self.spoken(each) for each in value] if isinstance(value, list) else value

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._keyed(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def _keyed(self, key: str, value: Any) -> Any:
        if key.lower() == "idempotency_key" and isinstance(value, str):
            return value[:8] + "…"
        if is_secret(key) or key.lower() in self._headers:
            return HIDDEN
        return self.value(value)
