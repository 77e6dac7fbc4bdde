"""A sale without a node of one's own: the gateway sees the payment through compact block filters."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from gateway_harness import Client, settings_in
from sales import file_for_sale
from support.accounts import fresh_account
from support.answers import address_in, onchain_in
from support.eventually import eventually

from bitcache.money import Sat
from gateway.compose import check_payout, init_data_folder, node_facts, running
from gateway.server.app import listening
from wallet.chain.regtest_node import RegtestNode

pytestmark = pytest.mark.node


async def test_a_sale_through_the_light_client(tmp_path: Path, own_regtest: RegtestNode) -> None:
    """Paid, mined, released; until the block the buyer is told to wait for one, and doctor asks beside it."""
    peer = "{}:{}".format(*own_regtest.p2p)
    chain = {"source": "light", "light_peers": [peer], "light_connections": 1}
    settings = settings_in(tmp_path, chain=chain)
    token = await init_data_folder(settings, terms=await check_payout(settings, fresh_account().text))
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(running(settings))
        url = await stack.enter_async_context(listening(context))
        client = Client(url, token, await stack.enter_async_context(aiohttp.ClientSession()))

        async def healthy() -> bool:
            return (await client.call("GET", "/healthz")).status == 200

        async def released() -> bool:
            return (await client.call("GET", "/share", claim)).status == 200

        await eventually(healthy)
        sold = await client.sell(file_for_sale())
        claim, purchase = await client.begin(sold.file_id)
        assert onchain_in(purchase)["sees_unconfirmed"] is False
        await own_regtest.pay(address_in(purchase), Sat(purchase["amount_sat"]))
        assert not await released()
        await own_regtest.mine()
        await eventually(released)
        assert (await node_facts(settings, context.watcher.status.cursor)).status.synced


async def test_what_is_too_dear_for_a_light_client_is_not_listed(tmp_path: Path) -> None:
    """Nobody is invited to pay what would never be released; the seller learns why."""
    chain = {"source": "light", "light_peers": ["127.0.0.1:1"], "light_connections": 1, "light_max_sat": 5_000}
    settings = settings_in(tmp_path, chain=chain)
    token = await init_data_folder(settings, terms=await check_payout(settings, fresh_account().text))
    async with running(settings) as context, listening(context) as url, aiohttp.ClientSession() as http:
        client = Client(url, token, http)
        await client.sell(file_for_sale(price_sat=5_000))
        dear = file_for_sale(price_sat=5_001)
        await client.announce(dear.file_id, len(dear.sealed))
        await client.send(dear.file_id, 0, dear.sealed)
        got = await client.create_listing(dear)
        assert (got.status, got.json["code"], got.json["highest_price_sat"]) == (409, "price_too_high", 5_000)
        assert "chain.light_max_sat" in got.json["hint"]
