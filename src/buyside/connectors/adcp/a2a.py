"""A2A over JSON-RPC, 1.0 and 0.3: one message that names a skill, and its task. Source: both A2A specifications."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Mapping
from typing import Any

from buyside.connectors.adcp.calling import Lines, parsed, refusal
from buyside.connectors.adcp.outcome import NoAnswer, Reply, RPCError, TaskResult
from buyside.connectors.adcp.wire import freeze
from buyside.connectors.http import RESPONSE_CAP, Departure, read

NEWER, OLDER = "1.0", "0.3"
# No such method, and no such version of the protocol: both say that the message was not looked at.
_OTHER_DIALECT = frozenset({-32601, -32009})


class A2A:
    """One agent. Speaks the dialect it was told, and the other one when the agent does not know the method."""

    def __init__(self, lines: Lines, version: str = NEWER) -> None:
        self._lines = lines
        self.version = OLDER if version.startswith("0.") else NEWER
        self._numbers = itertools.count(1)

    async def call(self, tool: str, arguments: bytes, departure: Departure) -> Reply:
        # AdCP's documents call the arguments `input`, its SDK's servers read `parameters`: both get the same bytes.
        skill = b'{"skill":%s,"input":%s,"parameters":%s}' % (json.dumps(tool).encode(), arguments, arguments)
        reply = await self._ask(self.version, tool, skill, departure)
        if isinstance(reply, RPCError) and reply.code in _OTHER_DIALECT:
            other = OLDER if self.version == NEWER else NEWER
            departure.left = False
            second = await self._ask(other, tool, skill, departure)
            if not (isinstance(second, RPCError) and second.code in _OTHER_DIALECT):
                self.version, reply = other, second
        return reply

    async def task(self, task_id: str, departure: Departure) -> Reply | None:
        method = "GetTask" if self.version == NEWER else "tasks/get"
        return await self._post(self.version, method, freeze({"id": task_id}), departure)

    async def close(self) -> None:
        """Agents keep nothing for us."""

    async def _ask(self, version: str, tool: str, skill: bytes, departure: Departure) -> Reply:
        name = secrets.token_hex(16).encode()
        if version == NEWER:
            message = b'{"messageId":"%s","role":"ROLE_USER","parts":[{"data":%s}]}' % (name, skill)
            return await self._post(version, "SendMessage", b'{"message":%s}' % message, departure)
        parts = b'[{"kind":"data","data":%s}]' % skill
        message = b'{"kind":"message","messageId":"%s","role":"user","parts":%s}' % (name, parts)
        params = b'{"message":%s,"configuration":{"blocking":true}}' % message
        return await self._post(version, "message/send", params, departure)

    async def _post(self, version: str, method: str, params: bytes, departure: Departure) -> Reply:
        number = next(self._numbers)
        content = b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}' % (number, method.encode(), params)
        headers = {"Accept": "application/json", **({"A2A-Version": NEWER} if version == NEWER else {})}
        async with self._lines.posting(content, headers, departure) as response:
            if response.status_code in (202, 204):
                return NoAnswer("The seller took the message and gave no answer to it.")
            if not response.is_success:
                refused = await refusal(response)
                stated = _as_reply(refused.body)
                # Some agents send JSON-RPC's own refusals with HTTP's.
                known = isinstance(stated, RPCError) and stated.code in _OTHER_DIALECT
                return stated if known and refused.status in (400, 404) else refused
            return _as_reply(await parsed(await read(response, RESPONSE_CAP)))


def _as_reply(message: Any) -> Reply:
    if not isinstance(message, Mapping):
        return NoAnswer("The reply is not a JSON-RPC message.")
    error, result = message.get("error"), message.get("result")
    if isinstance(error, Mapping):
        code, said = error.get("code"), error.get("message")
        return RPCError(code if isinstance(code, int) else 0, said if isinstance(said, str) else "", error.get("data"))
    if isinstance(result, Mapping):
        return TaskResult(result)
    return NoAnswer("The reply has neither a result nor an error.")
