"""What must not be readable in the store: encrypted with AES-GCM, or kept as a keyed hash."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class WrongKey(Exception):
    """The secret key does not open what this store holds."""


class Vault:
    """One secret, three derived keys: one encrypts, one hashes API keys, one makes fingerprints.

    Losing the secret voids every API key and every seller credential in the store.
    """

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(_derived(secret, b"buyside encryption"))
        self._digest_key = _derived(secret, b"buyside api keys")
        self._print_key = _derived(secret, b"buyside fingerprints")

    def __repr__(self) -> str:
        return "Vault(••••••)"

    def lock(self, plain: bytes, purpose: str) -> bytes:
        """`purpose` is bound in: a ciphertext moved to another column or row kind does not open there."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, purpose.encode())

    def open(self, locked: bytes, purpose: str) -> bytes:
        """Raises: WrongKey."""
        try:
            return self._cipher.decrypt(locked[:_NONCE], locked[_NONCE:], purpose.encode())
        except InvalidTag:
            raise WrongKey("BUYSIDE_SECRET_KEY does not open what this store holds.") from None

    def digest(self, api_key: str) -> bytes:
        """What is stored of an API key."""
        return hmac.digest(self._digest_key, api_key.encode(), sha256)

    def fingerprint(self, text: str) -> str:
        """Twelve hex digits that tell callers apart and open nothing."""
        return hmac.digest(self._print_key, text.encode(), sha256).hex()[:12]


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


def key_file(path: Path, *, make: bool) -> bytes | None:
    """The secret kept in a file that only this user may read; made on first use where `make` allows it.

    Two processes that make it at the same moment end up with one.
    """
    if make and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes().strip() if path.exists() else None
