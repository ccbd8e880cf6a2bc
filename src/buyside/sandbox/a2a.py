"""A2A over JSON-RPC, as 1.0 and as 0.3 spell it. Source: a2a-protocol.org, specifications 1.0 and 0.3.0."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response

from buyside.sandbox import Doc, approvals, arguments, endpoints, tasks, wire
from buyside.sandbox.calls import Answer, Calls, Cut, HTTPError
from buyside.sandbox.seller import Request, Seller
from buyside.sandbox.tools import TOOLS
from buyside.sandbox.wire import Message

TASK_NOT_FOUND, UNSUPPORTED, VERSION_NOT_SUPPORTED = -32001, -32004, -32009
METHODS = {"1.0": {"SendMessage": "send", "GetTask": "get"}, "0.3": {"message/send": "send", "tasks/get": "get"}}
EXTENSION = "https://adcontextprotocol.org/extensions/adcp"
# These carry what there is to say in the status message; the others bring an artifact.
_INTERIM = ("submitted", "working", "input-required", "auth-required")


class A2AEndpoint:
    def __init__(self, seller: Seller, calls: Calls) -> None:
        self._seller = seller
        self._calls = calls

    async def __call__(self, request: HTTPRequest) -> Response:
        if self._seller.faults.on("no_a2a"):
            return wire.json_response({"detail": "Not Found"}, 404)
        if refused := wire.refused_at_the_door(self._seller, request):
            return refused
        try:
            message = await wire.message(request)
            return wire.json_response(await self._responded(request, message))
        except wire.NotJSONRPC as refusal:
            return wire.json_response(refusal.answer)
        except Cut:
            return wire.BrokenOff()
        except HTTPError as failure:
            return wire.json_response({"detail": "This is how the sandbox was told to fail."}, failure.status)

    async def card(self, request: HTTPRequest) -> Response:
        if self._seller.faults.on("no_a2a"):
            return wire.json_response({"detail": "Not Found"}, 404)
        return wire.json_response(agent_card(self._seller, str(request.base_url)))

    async def _responded(self, request: HTTPRequest, message: Message) -> Doc:
        said = request.headers.get("a2a-version")
        if said is not None and not said.startswith(tuple(METHODS)):
            return wire.error(message.id, VERSION_NOT_SUPPORTED, "This version is not spoken here.")
        only = self._seller.faults.find("a2a_version")
        for version, methods in METHODS.items():
            spoken = (said is None or said.startswith(version)) and (only is None or only.value == version)
            if spoken and message.method in methods:
                act = self._sent if methods[message.method] == "send" else self._got
                return await act(request, message, Speech(version))
        return wire.error(message.id, wire.METHOD_NOT_FOUND, "Method not found")

    async def _sent(self, request: HTTPRequest, message: Message, speech: Speech) -> Doc:
        said = message.params.get("message")
        if not isinstance(said, dict) or not isinstance(said.get("parts"), list):
            return wire.error(message.id, wire.INVALID_PARAMS, "message.parts is missing")
        context = str(said.get("contextId") or self._seller.new_id("ctx"))
        wanted, principal = _skill(said["parts"]), wire.principal(request)
        if wanted is None:
            text = "Name a skill in a data part: " + ", ".join(TOOLS)
            answer, call = Answer({"status": "input-required", "message": text}), Request("", {}, "A2A", principal)
        else:
            call = Request(wanted[0], wanted[1], "A2A", principal)
            answer = await self._calls.place(call, wire.gone(request))
        shown = speech.task(self._kept(answer, context, call))
        return wire.result(message.id, {"task": shown} if speech.version == "1.0" else shown)

    def _kept(self, answer: Answer, context: str, call: Request) -> Doc:
        """A submitted order is found under its own task id; every other answer gets one here."""
        state = "failed" if answer.is_error else _state(answer.doc, call.tool)
        identity = answer.doc.get("task_id") if state in tasks.OPEN else None
        task: Doc = {
            "id": str(identity or self._seller.new_id("a2a")),
            "principal": call.principal,
            "context": context,
            "at": self._seller.stamp(),
            "state": state,
            "doc": answer.doc,
        }
        self._seller.ledger.put("a2a", task["id"], task)
        return task

    async def _got(self, request: HTTPRequest, message: Message, speech: Speech) -> Doc:
        with self._seller.ledger.transaction():
            approvals.settle(self._seller)
        task = self._as_it_stands(str(message.params.get("id") or "").removeprefix("tasks/"))
        if task is None or task["principal"] != wire.principal(request):
            return wire.error(message.id, TASK_NOT_FOUND, "Task not found")
        return wire.result(message.id, speech.task(task))

    def _as_it_stands(self, identity: str) -> Doc | None:
        """An order moves on after it was answered; every other task is what it was."""
        task, order = self._seller.ledger.get("a2a", identity), self._seller.ledger.get("task", identity)
        if order is None:
            return task
        told = order.get("result") or {name: order[name] for name in ("status", "task_id", "message")}
        if order.get("error"):
            told = {"status": order["status"], "adcp_error": order["error"], "errors": [order["error"]]}
        context = task["context"] if task else identity
        kept = {"id": identity, "principal": order["principal"], "context": context}
        return {**kept, "at": order["updated_at"], "state": order["status"], "doc": told}


def _state(doc: Doc, tool: str) -> str:
    # A question about a task is answered at once, whatever the task's status; and a root status that is none of a
    # task's (3.0 put the media buy's there) is that of a call that is done.
    own = doc.get("status") if tool not in ("get_task_status", "tasks/get") else None
    return str(own) if own in (*_INTERIM, "rejected", "failed") else "completed"


def _skill(parts: list[Any]) -> tuple[str, Doc] | None:
    for part in parts:
        data = part.get("data") if isinstance(part, dict) else None
        if isinstance(data, dict) and data.get("skill") in TOOLS:
            given = data.get("parameters") or data.get("input") or {}
            return (str(data["skill"]), given) if isinstance(given, dict) else None
    return None


class Speech:
    """The same task, as a version spells it."""

    def __init__(self, version: str) -> None:
        self.version = version

    def _parts(self, doc: Doc) -> list[Doc]:
        text = str(doc.get("message") or (doc.get("adcp_error") or {}).get("message") or doc.get("status"))
        if self.version == "1.0":
            return [{"text": text}, {"data": doc}]
        return [{"kind": "text", "text": text}, {"kind": "data", "data": doc}]

    def _state(self, state: str) -> str:
        return f"TASK_STATE_{state.upper().replace('-', '_')}" if self.version == "1.0" else state

    def task(self, task: Doc) -> Doc:
        status: Doc = {"state": self._state(task["state"]), "timestamp": task["at"]}
        shown: Doc = {"id": task["id"], "contextId": task["context"], "status": status}
        parts = self._parts(task["doc"])
        if task["state"] in _INTERIM:
            role = "ROLE_AGENT" if self.version == "1.0" else "agent"
            status["message"] = {"messageId": f"{task['id']}-said", "role": role, "parts": parts}
        else:
            shown["artifacts"] = [{"artifactId": f"{task['id']}-result", "parts": parts}]
        if self.version == "0.3":
            shown["kind"] = "task"
            if "message" in status:
                status["message"]["kind"] = "message"
        return shown


def agent_card(seller: Seller, base_url: str) -> Doc:
    """Both spellings in one document: a reader of either finds its fields."""
    url = endpoints(base_url)["A2A"]
    modes = ["application/json", "text/plain"]
    skills = [
        {"id": name, "name": name, "description": arguments.description(name), "tags": ["adcp", "media_buy"]}
        for name in TOOLS
    ]
    interfaces = [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": version} for version in METHODS]
    extension = {"uri": EXTENSION, "params": {"adcp_version": "3.1", "protocols_supported": ["media_buy", "creative"]}}
    return {
        "name": seller.name,
        "description": "A sandbox seller: nothing is sold, nothing is spent.",
        "version": "1",
        "url": url,
        "protocolVersion": "0.3.0",
        "preferredTransport": "JSONRPC",
        "additionalInterfaces": [{"url": url, "transport": "JSONRPC"}],
        "supportedInterfaces": interfaces,
        "capabilities": {"streaming": False, "pushNotifications": False, "extensions": [extension]},
        "defaultInputModes": modes,
        "defaultOutputModes": modes,
        "skills": skills,
    }
