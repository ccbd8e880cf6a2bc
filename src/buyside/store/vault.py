"""What must not be readable in the store: encrypted with AES-GCM, or kept as a keyed hash."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256

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
