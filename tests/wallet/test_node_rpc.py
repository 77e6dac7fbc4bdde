"""JSON-RPC: every way in which a node fails has its own error, and none shows a password."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bitcache.chain_errors import (
    ChainError,
    NodeAuthFailed,
    NodeCallForbidden,
    NodePruned,
    NodeRefused,
    NodeUnreachable,
    NodeWarmingUp,
)
from wallet.chain.node_rpc import NodeRpc, is_not_found

PASSWORD = "correct-horse"


class Node:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.answer: Any = {"result": 1, "error": None}
        self.status = 200
        self.text: str | None = None
        self.credentials: str | None = None
        self.calls = 0
        self.delay = 0.0
        self.forbidden: set[str] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """One RPC."""
        self.calls += 1
        await asyncio.sleep(self.delay)
        if self.credentials is not None and request.headers.get("Authorization") != _basic(self.credentials):
            return web.Response(status=401)
        asked = await request.json()
        methods = {call["method"] for call in (asked if isinstance(asked, list) else [asked])}
        if methods & self.forbidden:  # as Bitcoin Core: the whole batch, with nothing in the body
            return web.Response(status=403)
        if self.text is not None:
            return web.Response(status=self.status, text=self.text)
        return web.json_response(self.answer, status=self.status)


def _basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def url(node: Node) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", node.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@pytest.fixture
async def rpc(url: str) -> AsyncIterator[NodeRpc]:
    async with NodeRpc(url, user="u", password=PASSWORD) as client:
        yield client


async def test_amounts_are_decimals(rpc: NodeRpc, node: Node) -> None:
    node.text = '{"result": {"value": 0.00000001}, "error": null}'
    assert (await rpc.call("x"))["value"] == Decimal("0.00000001")


ERRORS = [
    ({"code": -28, "message": "Loading block index…"}, NodeWarmingUp),
    ({"code": -1, "message": "Block not available (pruned data)"}, NodePruned),
    ({"code": -5, "message": "Block not found"}, NodeRefused),
    ({"code": -32601, "message": "Method not found"}, NodeRefused),
]


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize(("error", "expected"), ERRORS)
async def test_rpc_errors(rpc: NodeRpc, node: Node, status: int, error: dict[str, Any], expected: type) -> None:
    node.status, node.answer = status, {"result": None, "error": error}
    with pytest.raises(ChainError) as raised:
        await rpc.call("getblock")
    assert type(raised.value) is expected
    assert is_not_found(raised.value) == (error["code"] == -5)


@pytest.mark.parametrize(("status", "expected"), [(401, NodeAuthFailed), (403, NodeAuthFailed), (503, NodeUnreachable)])
async def test_http_refusals(rpc: NodeRpc, node: Node, status: int, expected: type[ChainError]) -> None:
    node.status, node.text = status, ""
    with pytest.raises(expected):
        await rpc.call("x")


@pytest.mark.parametrize("text", ["<html>", "", "[]", "7", '{"hello": 1}', '{"error": "no"}'])
async def test_something_else_answers_there(rpc: NodeRpc, node: Node, text: str) -> None:
    node.text = text
    for ask in (rpc.call("x"), rpc.batch([("x",)])):
        with pytest.raises(NodeUnreachable, match="not a Bitcoin node"):
            await ask


async def test_nobody_answers() -> None:
    async with NodeRpc("http://u:correct-horse@127.0.0.1:1") as rpc:
        with pytest.raises(NodeUnreachable) as raised:
            await rpc.call("x")
    assert PASSWORD not in f"{raised.value} {raised.value!r} {raised.value.__cause__!r} {rpc!r}"


async def test_no_answer_in_time(url: str, node: Node) -> None:
    node.delay = 5
    async with NodeRpc(url, timeout=0.05) as rpc:
        with pytest.raises(NodeUnreachable, match="in time"):
            await rpc.call("x")


async def test_credentials_in_the_address_are_used_and_not_shown(url: str, node: Node) -> None:
    node.credentials = f"me:{PASSWORD}"
    async with NodeRpc(url.replace("http://", f"http://me:{PASSWORD}@")) as rpc:
        assert await rpc.call("x") == 1
        assert PASSWORD not in repr(rpc)


async def test_a_wrong_password(rpc: NodeRpc, node: Node) -> None:
    node.credentials = "u:other"
    with pytest.raises(NodeAuthFailed) as raised:
        await rpc.call("x")
    assert PASSWORD not in f"{raised.value!r}"
    assert node.calls == 1, "a password does not change: no second try"


async def test_a_restarted_node_has_a_new_cookie(url: str, node: Node, tmp_path: Path) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:one\n")
    node.credentials = "__cookie__:one"
    async with NodeRpc(url, cookie=cookie) as rpc:
        assert await rpc.call("x") == 1
        node.credentials = "__cookie__:two"
        with pytest.raises(NodeAuthFailed):
            await rpc.call("x")
        cookie.write_text("__cookie__:two")
        assert await rpc.call("x") == 1


async def test_without_its_cookie_a_node_is_not_running(url: str, tmp_path: Path) -> None:
    async with NodeRpc(url, cookie=tmp_path / "nowhere") as rpc:
        with pytest.raises(NodeUnreachable, match="cookie file"):
            await rpc.call("x")


async def test_a_cookie_that_cannot_be_read(url: str, tmp_path: Path) -> None:
    async with NodeRpc(url, cookie=tmp_path) as rpc:  # a directory
        with pytest.raises(NodeAuthFailed, match="cannot be read"):
            await rpc.call("x")


async def test_batches_keep_their_order_and_their_failures(rpc: NodeRpc, node: Node) -> None:
    node.answer = [
        {"id": 2, "result": "c", "error": None},
        {"id": 0, "result": "a", "error": None},
        {"id": 1, "result": None, "error": {"code": -5, "message": "no"}},
    ]
    first, second, third = await rpc.batch([("a",), ("b", 1), ("c", 1, 2)])
    assert (first, third) == ("a", "c")
    assert is_not_found(second)
    assert await rpc.batch([]) == []


async def test_a_large_answer_is_parsed_aside(rpc: NodeRpc, node: Node) -> None:
    node.answer = {"result": "00" * 1_500_000, "error": None}
    assert len(await rpc.call("getblock")) == 3_000_000


async def test_a_call_that_the_whitelist_forbids(rpc: NodeRpc, node: Node) -> None:
    """Not a wrong password: the call is named, and what to do about it."""
    node.credentials, node.forbidden = f"u:{PASSWORD}", {"getblock", "getrawtransaction"}
    assert await rpc.call("getblockhash") == 1
    with pytest.raises(NodeCallForbidden, match="getblock") as raised:
        await rpc.call("getblock")
    assert "rpcwhitelist" in raised.value.advice
    with pytest.raises(NodeCallForbidden, match="getrawtransaction"):
        await rpc.batch([("getrawtransaction", "ab"), ("getrawtransaction", "cd")])


async def test_an_address_that_the_node_does_not_let_in(rpc: NodeRpc, node: Node) -> None:
    """403 to everyone, with or without a password."""
    node.forbidden = {"x"}
    with pytest.raises(NodeAuthFailed, match="from this machine") as raised:
        await rpc.call("x")
    assert "rpcallowip" in raised.value.advice


@pytest.mark.parametrize("answer", [[{"result": 1}, {"result": 2}], [7, None], [{"id": 0, "result": 1}] * 2])
async def test_a_batch_whose_answers_cannot_be_told_apart(rpc: NodeRpc, node: Node, answer: Any) -> None:
    node.answer = answer
    assert isinstance((await rpc.batch([("a",), ("b",)]))[1], NodeUnreachable)
