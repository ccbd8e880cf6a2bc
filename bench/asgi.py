"""One GET, made to an ASGI app as a server would make it: in this process, without a socket."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Scope

BASE = "/api/v2/buyer"


class Caller:
    """Each call makes the request again, and keeps the answer's body."""

    def __init__(self, app: ASGIApp, path: str, key: str, query: str = "") -> None:
        self._scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {key}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self._app = app
        self.body = b""

    async def __call__(self) -> None:
        status, parts = 0, []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                parts.append(message.get("body", b""))

        await self._app(dict(self._scope), receive, send)
        self.body = b"".join(parts)
        assert status == 200, self.body
