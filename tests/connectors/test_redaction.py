"""No secret is shown: not ours, not one that a seller echoes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from buyside.connectors.adcp.redaction import HIDDEN, Redactor
from buyside.domain.answers import Answer, Outcome
from buyside.domain.storefronts import Auth, AuthKind
from tests.connectors.sellers import KEY, a_seller, an_order, sellers
from tests.connectors.servers import Request, mcp, serving, tool_result

TOKEN = "tok-very-secret-1"


@pytest.mark.parametrize(
    "key",
    [
        *("authorization", "Authorization", "x-adcp-auth", "X-Api-Key", "apiKey", "api_key", "token", "access_token"),
        *("cookie", "Set-Cookie", "password", "credentials", "client_secret", "authentication", "Mcp-Session-Id"),
    ],
)
def test_a_secret_is_known_by_the_name_of_its_key(key: str) -> None:
    assert Redactor().value({"a": [{key: "s", "b": 1}]}) == {"a": [{key: HIDDEN, "b": 1}]}


def test_names_that_only_sound_alike_are_shown() -> None:
    shown = {"author": "x", "context_id": "y", "tokens": 3, "key_visual": "z", "monkey": 1}
    assert Redactor().value(shown) == shown


def test_an_idempotency_key_is_cut_to_eight_characters() -> None:
    assert Redactor().value({"idempotency_key": KEY}) == {"idempotency_key": KEY[:8] + "…"}


def test_a_secret_is_hidden_wherever_its_text_appears() -> None:
    hide = Redactor([TOKEN, "short"])
    assert hide.value({"message": f"Bearer {TOKEN}!", TOKEN: 1}) == {"message": f"Bearer {HIDDEN}!", HIDDEN: 1}
    assert hide.text("in short") == "in short"


async def exchanged(echo: Any, debug: bool = True) -> Answer:
    async def on_call(request: Request) -> None:
        await request.result(echo)

    auth = Auth(AuthKind.HEADER, token=TOKEN, header="x-adcp-auth")
    async with serving(mcp(on_call)) as server, sellers() as platform:
        seller = a_seller(f"{server.url}?key=url-secret", auth=auth, headers={"x-api-key": "extra-secret-2"})
        prepared = platform.prepare_buy(seller, an_order(), KEY)
        return await platform.call(seller, prepared, timeout=5, debug=debug)


async def test_an_exchange_shows_what_was_said_and_no_secret() -> None:
    echoed = {"media_buy_id": "mb_1", "you_sent": TOKEN, "idempotency_key": KEY, "also": "extra-secret-2"}
    answer = await exchanged(tool_result(echoed))
    assert answer.exchange is not None
    request, response = answer.exchange.request, answer.exchange.response
    assert request["tool"] == "create_media_buy"
    assert request["arguments"]["packages"][0]["budget"] == 500
    assert response is not None
    assert response["result"]["structuredContent"]["media_buy_id"] == "mb_1"
    shown = json.dumps([request, response, list(answer.exchange.log)])
    for secret in (TOKEN, KEY, "url-secret", "extra-secret-2"):
        assert secret not in shown


async def test_an_error_that_echoes_our_credential_is_mended() -> None:
    stated = {"code": "X", "message": f"bad {TOKEN}", "suggestion": f"not {TOKEN}", "details": {"sent": [TOKEN]}}
    answer = await exchanged({"isError": True, "structuredContent": {"adcp_error": stated}}, debug=False)
    assert answer.outcome is Outcome.REJECTED
    assert answer.error is not None
    assert TOKEN not in repr(answer.error) + json.dumps(answer.exchange.__dict__ if answer.exchange else {})
    assert HIDDEN in answer.message


async def test_an_exchange_is_kept_of_what_went_wrong_and_otherwise_only_when_asked() -> None:
    assert (await exchanged(tool_result({"media_buy_id": "mb_1"}), debug=False)).exchange is None
    assert (await exchanged(tool_result({}), debug=False)).exchange is not None


async def test_a_call_that_never_left_shows_why_in_its_log() -> None:
    async with sellers(allow_private=False) as platform:
        seller = a_seller("http://127.0.0.1:1/mcp")
        answer = await platform.call(seller, platform.prepare_buy(seller, an_order(), KEY), timeout=5)
    assert answer.exchange is not None
    assert answer.exchange.response is None
    assert "127.0.0.1" in answer.exchange.log[-1]["message"]


def test_no_repr_shows_a_secret() -> None:
    seller = a_seller("https://s.example", auth=Auth(AuthKind.BEARER, token=TOKEN), headers={"x": TOKEN})
    assert TOKEN not in repr(seller)
