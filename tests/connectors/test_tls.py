"""The address is dialled by number, and the certificate still has to be the name's."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from buyside.connectors import http
from buyside.connectors.http import AddressGuard, open_client

NAME = "seller.example"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for NAME in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "seller.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.asynccontextmanager
async def secure(certificate: Path) -> AsyncIterator[tuple[int, list[str | None]]]:
    """A TLS server that answers 200 to anything, and the names it was asked for in the handshake."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def at_home(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize(("host", "trusted"), [(NAME, True), ("other.example", False)])
async def test_the_certificate_is_checked_against_the_name(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: bool
) -> None:
    monkeypatch.setattr(http, "_tls", lambda: ssl.create_default_context(cafile=str(certificate)))
    async with secure(certificate) as (port, asked):
        async with open_client(AddressGuard(allow_private=True), resolver=at_home) as client:
            if trusted:
                assert (await client.post(f"https://{host}:{port}/")).status_code == 200
            else:
                with pytest.raises(httpx.ConnectError, match="certificate"):
                    await client.post(f"https://{host}:{port}/")
        assert asked == [host]


async def test_a_certificate_of_nobody_is_not_trusted(certificate: Path) -> None:
    async with (
        secure(certificate) as (port, _),
        open_client(AddressGuard(allow_private=True), resolver=at_home) as client,
    ):
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await client.post(f"https://{NAME}:{port}/")
