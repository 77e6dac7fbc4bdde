"""A node's answers: what some version leaves out has a default, and what cannot be understood is named, not fatal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.invoice_harness import open_invoice_harness

from bitcache.chain_errors import ChainError, NodeConfused
from bitcache.money import Sat
from bitcache.storage.database import Store
from wallet.chain import node_answers
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.node_checkup import check_up
from wallet.chain.node_rpc import NodeRpc
from wallet.chain.regtest_node import RegtestNode
from wallet.watcher import Watcher

#: ``getblockchaininfo`` with every member that is read.
FULL: dict[str, Any] = {
    "chain": "regtest",
    "blocks": 5,
    "headers": 7,
    "bestblockhash": "ab" * 32,
    "initialblockdownload": False,
    "time": 1_700_000_000,
    "mediantime": 1_600_000_000,
    "pruned": True,
    "pruneheight": 3,
    "warnings": ["one", "two"],
}
OPTIONAL = set(FULL) - {"chain", "blocks", "bestblockhash"}


@pytest.mark.parametrize("member", sorted(OPTIONAL))
def test_what_some_version_leaves_out_may_be_missing(member: str) -> None:
    info = node_answers.chain_info({name: value for name, value in FULL.items() if name != member})
    assert (info.chain, info.blocks, info.bestblockhash) == ("regtest", 5, "ab" * 32)
    assert info.known >= info.blocks


@pytest.mark.parametrize(("warnings", "text"), [("", ""), ("old", "old"), (["a", "b"], "a b"), ([], ""), (None, "")])
def test_warnings_of_every_version(warnings: Any, text: str) -> None:
    assert node_answers.chain_info(FULL | {"warnings": warnings}).warning == text


def test_members_of_newer_versions_and_of_other_programs_are_passed_over() -> None:
    assert node_answers.chain_info(FULL | {"bits": "207fffff", "target": "7f", "softforks": {}}).blocks == 5


@pytest.mark.parametrize(
    ("read", "answer", "named"),
    [
        (node_answers.chain_info, {**FULL, "blocks": "5"}, "getblockchaininfo.*blocks"),
        (node_answers.chain_info, {"chain": "main"}, "getblockchaininfo.*blocks"),
        (node_answers.chain_info, None, "getblockchaininfo"),
        (node_answers.chain_info, [], "getblockchaininfo"),
        (node_answers.header, {"confirmations": None}, "getblockheader.*confirmations"),
        (node_answers.network_info, 7, "getnetworkinfo"),
        (node_answers.notifications, {"type": "pubrawtx"}, "getzmqnotifications"),
        (node_answers.notifications, [{"type": 1}], "getzmqnotifications.*type"),
        (node_answers.transaction_ids, {"ab": {}}, "getrawmempool"),
        (node_answers.tip, {}, "waitfornewblock.*hash"),
        (node_answers.peers, [{}], "getpeerinfo.*id"),
        (lambda answer: node_answers.text("getblockhash", answer), 5, "getblockhash"),
        (lambda answer: node_answers.raw("getblock", answer), "zz", "getblock.*hex"),
        (lambda answer: node_answers.raw("getblock", answer), {"hash": "ab"}, "getblock"),
    ],
)
def test_what_cannot_be_understood_is_named(read: Callable[[Any], Any], answer: Any, named: str) -> None:
    with pytest.raises(NodeConfused, match=named):
        read(answer)


class Between:
    """A proxy before a real node, which takes members out of its answers, or puts others in their place."""

    def __init__(self, node: RegtestNode) -> None:
        self.node = node
        self.changes: dict[str, Callable[[Any], Any]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        asked = await request.json()
        answers = [await self._answer(call) for call in (asked if isinstance(asked, list) else [asked])]
        text = json.dumps(answers if isinstance(asked, list) else answers[0], default=float)
        return web.Response(text=text, content_type="application/json")

    async def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        try:
            result = await self.node.rpc(call["method"], *call["params"])
        except ChainError as error:
            return {"id": call["id"], "result": None, "error": {"code": error.details.get("rpc_code"), "message": "no"}}
        change = self.changes.get(call["method"], lambda answer: answer)
        return {"id": call["id"], "result": change(result), "error": None}


@pytest.fixture
async def between(regtest: RegtestNode) -> AsyncIterator[tuple[Between, str]]:
    proxy = Between(regtest)
    app = web.Application()
    app.router.add_post("/", proxy.handle)
    async with TestServer(app) as server:
        yield proxy, str(server.make_url("/"))


def lacking(*members: str) -> Callable[[Any], Any]:
    return lambda answer: {name: value for name, value in answer.items() if name not in members}


@pytest.mark.node
async def test_a_node_that_says_less_is_watched_all_the_same(
    between: tuple[Between, str], regtest: RegtestNode, store: Store
) -> None:
    """As Bitcoin Core 0.19 and forks of it say: no time, no loaded, no ZMQ notifications, no relay."""
    proxy, url = between
    proxy.changes = {
        "getblockchaininfo": lacking(*OPTIONAL),
        "getnetworkinfo": lacking("version", "connections", "localrelay"),
        "getmempoolinfo": lacking("loaded"),
        "getzmqnotifications": lambda answer: [],
    }
    source = BitcoindSource(NodeRpc(url), "regtest")
    invoice_harness = await open_invoice_harness(store)
    ((script, address),) = fresh_destinations(1)
    purchase_id = await invoice_harness.invoice(script, address)
    watcher = Watcher(store, source, {script})

    async def state_is(state: str) -> bool:
        assert await watcher.attempt(), watcher.status.error
        return await invoice_harness.state(purchase_id) == state

    try:
        await state_is("new")
        await regtest.pay(address, Sat(5_000))
        await eventually(lambda: state_is("processing"))
        await regtest.mine()
        await eventually(lambda: state_is("settled"))
        facts = await check_up(source, None)
        assert (facts.status.error, facts.failing) == (None, {})
    finally:
        await source.close()


@pytest.mark.node
async def test_nonsense_stops_the_watcher_for_as_long_as_it_lasts(between: tuple[Between, str], store: Store) -> None:
    """It says which answer it is, and goes on when the answers are good again."""
    proxy, url = between
    source = BitcoindSource(NodeRpc(url), "regtest")
    watcher = Watcher(store, source, set())
    try:
        for method, nonsense in {
            "getblockchaininfo": lambda answer: {"chain": "regtest"},
            "getblockhash": lambda answer: 7,
            "getrawmempool": lambda answer: {"sequence": 1},
            "getmempoolinfo": lambda answer: None,
        }.items():
            proxy.changes = {method: nonsense}
            watcher._written = None
            if method == "getblockhash":
                with pytest.raises(NodeConfused, match=method):
                    await source.at(1)
            else:
                assert not await watcher.attempt(), method
                assert isinstance(watcher.status.error, NodeConfused)
                assert method in str(watcher.status.error)
                assert method in (await check_up(source, None)).failing or method == "getblockchaininfo"
            proxy.changes = {}
            assert await watcher.attempt()
    finally:
        await source.close()
